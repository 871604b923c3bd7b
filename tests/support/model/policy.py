"""The policy: its checks and the default of contract section 3."""

import re
from typing import Any
from zoneinfo import ZoneInfo

SITES = ("axillary", "ear", "forehead", "temple", "wrist", "neck", "oral", "rectal", "unknown")
SATISFYING_KINDS = ("temperature_taken", "visit_recorded", "checkpoint_scanned")
CATEGORIES = ("home", "centralised", "lockdown")

_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00", re.ASCII)

_WINDOWS = [{"name": "am", "start": "06:00", "end": "12:00"}, {"name": "pm", "start": "14:00", "end": "20:00"}]


def default_policy() -> dict[str, Any]:
    """Build the policy printed in contract section 3."""
    common: dict[str, Any] = {"grace_minutes": 30, "settle_minutes": 5, "lost_after": 2, "windows": list(_WINDOWS)}
    return {
        "policy_version": "2020-02-01",
        "timezone": "Asia/Shanghai",
        "late_days": 30,
        "early_days": 3,
        "observation": {
            "period_days": 14,
            "overdue_grace_minutes": 720,
            "breach_categories": ["home", "centralised", "lockdown"],
        },
        "checks": [
            {"name": "temperature", "satisfied_by": ["temperature_taken", "visit_recorded"], **common},
            {"name": "visit", "satisfied_by": ["visit_recorded"], **common},
        ],
        "fever": {
            "confirm_sites": ["axillary"],
            "confirm_within_minutes": 30,
            "implausible_below_c": 34.5,
            "implausible_above_c": 42.5,
            "threshold_c": {site: {"ear": 37.5, "oral": 37.5, "rectal": 38.0}.get(site, 37.3) for site in SITES},
        },
    }


class Refused(Exception):
    """Say that a policy or record breaks the contract; the argument is the path of the field."""


def check_policy(policy: Any) -> None:
    """Refuse a policy that is incomplete or contradicts itself."""
    _fields(policy, "policy_version timezone late_days early_days observation checks fever", "policy")
    _name(policy["policy_version"], "policy_version")
    _zone(policy["timezone"])
    _count(policy["late_days"], "late_days")
    _count(policy["early_days"], "early_days")
    _check_observation(policy["observation"])
    _list(policy["checks"], "checks")
    for check in policy["checks"]:
        _check_check(check)
    _unique([check["name"] for check in policy["checks"]], "checks.name")
    _check_fever(policy["fever"])


def _check_observation(section: Any) -> None:
    _fields(section, "period_days overdue_grace_minutes breach_categories", "observation")
    _count(section["period_days"], "observation.period_days")
    _count(section["overdue_grace_minutes"], "observation.overdue_grace_minutes")
    _members(section["breach_categories"], CATEGORIES, "observation.breach_categories")


def _check_check(check: Any) -> None:
    _fields(check, "name satisfied_by grace_minutes settle_minutes lost_after windows", "checks")
    _name(check["name"], "checks.name")
    _members(check["satisfied_by"], SATISFYING_KINDS, "checks.satisfied_by")
    for field in ("grace_minutes", "settle_minutes", "lost_after"):
        _count(check[field], f"checks.{field}")
    _list(check["windows"], "checks.windows")
    for window in check["windows"]:
        _fields(window, "name start end", "checks.windows")
        _name(window["name"], "checks.windows.name")
        for field in ("start", "end"):
            if not isinstance(window[field], str) or _TIME.fullmatch(window[field]) is None:
                raise Refused(f"checks.windows.{field}")
        if window["start"] >= window["end"]:
            raise Refused("checks.windows.end")
    _unique([window["name"] for window in check["windows"]], "checks.windows.name")
    for one in check["windows"]:
        for other in check["windows"]:
            if one is not other and one["start"] < other["end"] and other["start"] < one["end"]:
                raise Refused("checks.windows")


def _check_fever(fever: Any) -> None:
    _fields(fever, "confirm_sites confirm_within_minutes implausible_below_c implausible_above_c threshold_c", "fever")
    _members(fever["confirm_sites"], SITES, "fever.confirm_sites")
    _count(fever["confirm_within_minutes"], "fever.confirm_within_minutes")
    _fields(fever["threshold_c"], " ".join(SITES), "fever.threshold_c")
    numbers = [fever["implausible_below_c"], fever["implausible_above_c"], *fever["threshold_c"].values()]
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in numbers):
        raise Refused("fever")
    if fever["implausible_below_c"] > fever["implausible_above_c"]:
        raise Refused("fever.implausible_above_c")


def _fields(value: Any, names: str, path: str) -> None:
    if not isinstance(value, dict) or set(value) != set(names.split()):
        raise Refused(path)


def _list(value: Any, path: str) -> None:
    if not isinstance(value, list):
        raise Refused(path)


def _members(value: Any, allowed: tuple[str, ...], path: str) -> None:
    _list(value, path)
    if any(member not in allowed for member in value):
        raise Refused(path)


def _unique(values: list[str], path: str) -> None:
    if len(set(values)) != len(values):
        raise Refused(path)


def _count(value: Any, path: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Refused(path)


def _name(value: Any, path: str) -> None:
    if not isinstance(value, str) or _NAME.fullmatch(value) is None:
        raise Refused(path)


def _zone(value: Any) -> None:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise Refused("timezone") from error
