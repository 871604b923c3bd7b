"""The way in: a body, its type and what is known of the source; out come records, refusals and what is passed over."""

from collections.abc import Callable

from streams.gateway.adapters.hikvision import adapt_hikvision
from streams.gateway.adapters.mapped import adapt_mapped
from streams.gateway.adapters.outcomes import Adapted, SourceSettings

# What a source sends that speaks the contract: the door reads it as it is.
NATIVE = "native"


def _adapt_by_own_mapping(body: bytes, content_type: str, source: SourceSettings) -> list[Adapted]:
    assert source.mapping is not None, "refuse_unknown_adapter was asked"
    return adapt_mapped(body, content_type, source, source.mapping)


ADAPTERS: dict[str, Callable[[bytes, str, SourceSettings], list[Adapted]]] = {
    "hikvision": adapt_hikvision,
    "mapping": _adapt_by_own_mapping,
}


def adapt(body: bytes, content_type: str, source: SourceSettings) -> list[Adapted]:
    """Return what becomes of each event of a body, in its order; whatever the bytes are, nothing is raised.

    A body that is refused as a whole gives one refusal without a path. The source is one of another maker, with settings
    of which `refuse_unknown_adapter` has nothing to say.
    """
    return ADAPTERS[source.adapter](body, content_type, source)


def refuse_unknown_adapter(source: SourceSettings) -> None:
    """Raise ValueError for settings under which nothing can be adapted."""
    if source.adapter != NATIVE and source.adapter not in ADAPTERS:
        raise ValueError(f"adapter: expected one of {', '.join((NATIVE, *ADAPTERS))}")
    if source.adapter == "mapping" and source.mapping is None:
        raise ValueError("mapping: expected one for the adapter mapping")
