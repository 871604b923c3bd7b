"""`gridwatch mapping`: is a mapping file sound, and what becomes of samples of a device."""

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from events.vocabulary import Direction

if TYPE_CHECKING:
    from streams.gateway.adapters.mapping import Mapping
    from streams.gateway.adapters.outcomes import Adapted, SourceSettings

EXIT_REFUSED = 1
EXIT_WRONG = 2
BUILT_IN = "hikvision"
_HIDDEN = "(hidden)"
_TYPES = {".json": "application/json", ".xml": "application/xml"}


@click.group(epilog="Example: gridwatch mapping check deploy/devices/mappings/face_gate.toml sample.json")
def command() -> None:
    """Mapping files: how the format of a device becomes records.

    Exit status: that of the command, which its own help says.
    """


@command.command(epilog="Example: gridwatch mapping check deploy/devices/mappings/face_gate.toml sample.json")
@click.argument("mapping", type=click.Path(path_type=Path))
@click.argument("samples", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--content-type", help="What the device says that it sends; by default it follows from the file's name.")
@click.option("--time-zone", default="Asia/Shanghai", show_default=True, help="Zone of times without one.")
@click.option(
    "--direction",
    type=click.Choice([word.value for word in Direction]),
    default=Direction.IN.value,
    show_default=True,
    help="Direction where the device does not say one.",
)
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON.")
def check(
    mapping: Path, samples: tuple[Path, ...], content_type: str | None, time_zone: str, direction: str, as_json: bool
) -> None:
    """Check MAPPING (TOML, or `hikvision` for the one that comes with gridwatch), and show what becomes of SAMPLES.

    A sample is a body as the device posts it. Records are shown as they would be sent, with a source and an area made up;
    who was met stays hidden. Nothing is sent. Exit status: 0 the mapping is sound and nothing in the
    samples was refused, 1 something in them was, 2 the mapping or the command is wrong; every fault has its line and key.
    """
    read = _read(mapping, as_json)
    source = _source(read, time_zone, direction)
    results = [(sample, _adapt(sample, content_type, source)) for sample in samples]
    is_refused = any(_outcome(each) == "refused" for _, adapted in results for each in adapted)
    if as_json:
        shown = [{"sample": str(sample), "events": [_shown(each) for each in adapted]} for sample, adapted in results]
        click.echo(json.dumps({"mapping": read.name, "faults": [], "samples": shown}, ensure_ascii=False))
    else:
        click.echo(f"{mapping}: sound, {read.name}, {read.format} into {read.kind}")
        for sample, adapted in results:
            _show(sample, adapted)
    sys.exit(EXIT_REFUSED if is_refused else 0)


def _read(file: Path, as_json: bool) -> "Mapping":
    from streams.gateway.adapters.hikvision import hikvision_mapping
    from streams.gateway.adapters.mapping import LARGEST_MAPPING_BYTES, MappingError, read_mapping

    if str(file) == BUILT_IN and not file.exists():
        return hikvision_mapping()
    try:
        with file.open("rb") as opened:
            raw = opened.read(LARGEST_MAPPING_BYTES + 1)
    except OSError as error:
        raise click.UsageError(f"cannot read {file}: {error.strerror}") from None
    try:
        return read_mapping(raw)
    except MappingError as error:
        if as_json:
            faults = [{"line": line, "key": key, "message": message} for line, key, message in error.faults]
            click.echo(json.dumps({"mapping": None, "faults": faults, "samples": []}, ensure_ascii=False))
        for line, key, message in error.faults:
            click.echo(f"{file}:{line or 1}: {key + ': ' if key else ''}{message}", err=True)
        sys.exit(EXIT_WRONG)


def _source(mapping: "Mapping", time_zone: str, direction: str) -> "SourceSettings":
    from streams.gateway.adapters.outcomes import SourceSettings

    try:
        return SourceSettings(
            source_id="sample-source",
            checkpoint_id="sample-checkpoint",
            area="sample/area",
            adapter="mapping",
            time_zone=time_zone,
            direction=Direction(direction),
            mapping=mapping,
        )
    except ValueError as error:
        raise click.UsageError(str(error).replace("time_zone", "--time-zone")) from None


def _adapt(sample: Path, content_type: str | None, source: "SourceSettings") -> "list[Adapted]":
    from streams.gateway.adapters.adapting import adapt
    from streams.gateway.adapters.bodies import LARGEST_BODY_BYTES

    with sample.open("rb") as opened:
        body = opened.read(LARGEST_BODY_BYTES + 1)
    return adapt(body, content_type or _content_type(sample, body), source)


def _content_type(sample: Path, body: bytes) -> str:
    boundary = re.match(rb"(?:\r?\n)?--([!-~]{1,70})\r?\n", body)
    if boundary is not None:
        return f'multipart/form-data; boundary="{boundary[1].decode()}"'
    return _TYPES.get(sample.suffix.lower(), "text/plain")


def _show(sample: Path, adapted: "list[Adapted]") -> None:
    from streams.gateway.adapters.outcomes import PassedOver, Refused

    click.echo(f"{sample}: {_events(len(adapted))}")
    for number, each in enumerate(adapted, 1):
        if isinstance(each, PassedOver):
            said = f"passed over: {each.why}"
        elif isinstance(each, Refused):
            said = f"refused: {each.reason.value} {each.path}: {each.message}"
        else:
            shown = _shown(each)
            marks = (["backlog"] if each.is_backlog else []) + [f"degraded: {name}" for name in each.degraded]
            said = json.dumps(shown["record"], ensure_ascii=False) + (f"  ({', '.join(marks)})" if marks else "")
        click.echo(f"  {number}  {said}")


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"


def _outcome(adapted: "Adapted") -> str:
    from streams.gateway.adapters.outcomes import PassedOver, Refused

    if isinstance(adapted, Refused):
        return "refused"
    return "passed_over" if isinstance(adapted, PassedOver) else "taken"


def _shown(adapted: "Adapted") -> dict[str, Any]:
    from streams.gateway.adapters.outcomes import PassedOver, Refused

    place = {"sequence": adapted.place.sequence, "previous_sequence": adapted.place.previous_sequence}
    if isinstance(adapted, Refused):
        why = {"reason": adapted.reason.value, "path": adapted.path, "message": adapted.message}
        return {"result": "refused", **why, **place}
    if isinstance(adapted, PassedOver):
        return {"result": "passed_over", "why": adapted.why, **place}
    record = dict(sorted(adapted.document.items())) | {"person_id": _HIDDEN}
    if adapted.identity is not None:
        record["person_id"] = f"{_HIDDEN}, by {adapted.identity.type}"
    return {
        "result": "taken",
        "record": record,
        "is_backlog": adapted.is_backlog,
        "degraded": list(adapted.degraded),
        **place,
    }
