"""Sources as `gridwatch sources` shows them; never a hash, though there is nothing to be made of one."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from events.instants import format_instant

if TYPE_CHECKING:
    from streams.gateway.keys import KeptKey
    from streams.gateway.registrar import Change
    from streams.gateway.registry import RegisteredSource

WARNED_BEFORE = timedelta(days=14)


def last_expiry(source: "RegisteredSource", now: datetime) -> datetime | None:
    """Return when the last of its valid keys expires, None where one of them never does; raises ValueError without any."""
    ends = [key.expires_at for key in source.valid_keys(now)]
    if not ends:
        raise ValueError("expected a valid key")
    return None if None in ends else max(end for end in ends if end is not None)


def line_of(source_id: str, source: "RegisteredSource | None", now: datetime) -> str:
    """Return a source in one line."""
    if source is None:
        return f"{source_id:<24}  cannot be read"
    parts = (source.adapter, _keys_said(source, now), ",".join(source.kinds), ",".join(source.areas) or "-")
    return f"{source_id:<24}  {parts[0]:<10}  {parts[1]:<28}  {parts[2]}  {parts[3]}"


def _keys_said(source: "RegisteredSource", now: datetime) -> str:
    if not source.is_active:
        return "inactive"
    if not source.valid_keys(now):
        return "no valid key"
    expiry = last_expiry(source, now)
    return "valid" if expiry is None else f"until {format_instant(expiry.replace(microsecond=0))}"


def warning_of(source_id: str, source: "RegisteredSource | None", now: datetime) -> str | None:
    """Return what somebody should do about a source, None where there is nothing."""
    if source is None:
        return f"{source_id}: this version cannot read what another one registered; its gateways shut the source"
    if not source.is_active:
        return None
    rotate = f"`gridwatch sources rotate {source_id}`"
    if not source.valid_keys(now):
        return f"{source_id}: no valid key: {rotate}"
    expiry = last_expiry(source, now)
    if expiry is None or expiry - now > WARNED_BEFORE:
        return None
    days = (expiry - now) // timedelta(days=1)
    return f"{source_id}: its last key expires in {days} {'day' if days == 1 else 'days'}: {rotate}"


def lines_of(source: "RegisteredSource", now: datetime) -> Iterator[str]:
    """Yield all of a source, a field a line, and its keys."""
    for name, value in _fields(source).items():
        shown = f"{len(value.encode())} bytes" if name == "mapping" and value else _plain(value)
        yield f"{name:<18}{shown}"
    for key in source.keys:
        yield f"{'key':<18}{key.key_id}  {_key_said(key, now)}"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(value) or "-"
    return "-" if value is None else str(value)


def _key_said(key: "KeptKey", now: datetime) -> str:
    made = "" if key.created_at is None else f"  made {format_instant(key.created_at)} by {key.created_by}"
    if key.revoked_at is not None:
        return f"revoked {format_instant(key.revoked_at)}{made}"
    if key.expires_at is None:
        return f"valid{made}"
    return f"{'expires' if key.is_valid(now) else 'expired'} {format_instant(key.expires_at)}{made}"


def document_of(source_id: str, source: "RegisteredSource | None", now: datetime) -> dict[str, Any]:
    """Return a source for programs."""
    if source is None:
        return {"source_id": source_id, "is_readable": False}
    keys = [
        {
            "key_id": key.key_id,
            "is_valid": source.is_active and key.is_valid(now),
            **{name: _instant(getattr(key, name)) for name in ("expires_at", "revoked_at", "created_at")},
            "created_by": key.created_by,
        }
        for key in source.keys
    ]
    return {**_fields(source), "is_readable": True, "keys": keys, "warning": warning_of(source_id, source, now)}


def _fields(source: "RegisteredSource") -> dict[str, Any]:
    shown = {each.name: getattr(source, each.name) for each in fields(source) if each.name != "keys"}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in shown.items()}


def _instant(at: datetime | None) -> str | None:
    return None if at is None else format_instant(at)


def said_of(change: "Change") -> str:
    """Return what was done, in a line."""
    detail = change.record.detail
    action = change.record.action.value.replace("_", " ")
    if change.key is not None:
        expires_at = change.key.expires_at
        until = "until it is revoked" if expires_at is None else f"until {format_instant(expires_at)}"
        former = f"; those before it until {detail['former_until']}" if detail.get("former_key_ids") else ""
        return f"{change.source_id}: {action}; key {change.key.key_id} is valid {until}{former}"
    return f"{change.source_id}: {action}{_named(detail.get('changed') or detail.get('key_ids'))}"


def _named(names: Sequence[str] | None) -> str:
    return f": {', '.join(names)}" if names else ""
