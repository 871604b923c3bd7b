"""Random policies, and random changes of a policy, for histories."""

from copy import deepcopy
from random import Random
from typing import Any

from tests.support.model.policy import CATEGORIES, SITES, default_policy

Policy = dict[str, Any]

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC")
_CHECK_NAMES = ("temperature", "visit", "night-check", "A_1", "x")
_WINDOW_NAMES = ("am", "pm", "n", "0", "Z-9", "mid_day")
_TIMES = (
    *("00:00", "00:30", "01:00", "02:00", "02:30", "04:00", "05:59", "06:00", "07:15", "08:00", "10:00", "11:59"),
    *("12:00", "12:01", "14:00", "16:30", "18:00", "20:00", "22:30", "23:59", "24:00"),
)
_SATISFIED_BY = (
    ["temperature_taken", "visit_recorded"],
    ["visit_recorded"],
    ["temperature_taken"],
    ["visit_recorded", "checkpoint_scanned"],
    ["temperature_taken", "visit_recorded", "checkpoint_scanned"],
    ["checkpoint_scanned"],
)


def random_policy(random: Random, version: str, zone: str) -> Policy:
    """Build a policy with one to three checks; some are the default but for the zone."""
    policy = default_policy()
    policy |= {"policy_version": version, "timezone": zone}
    policy["late_days"] = random.choice([30, 30, 30, 3, 1, 0])
    policy["early_days"] = random.choice([3, 3, 1, 0])
    policy["observation"] = {
        "period_days": random.choice([1, 2, 2, 3, 3, 4, 5, 7, 14]),
        "overdue_grace_minutes": random.choice([0, 90, 720, 1440]),
        "breach_categories": random.sample(CATEGORIES, random.choice([3, 3, 2, 1, 0])),
    }
    if random.random() < 0.85:
        names = random.sample(_CHECK_NAMES, random.choice([1, 1, 2, 2, 3]))
        policy["checks"] = [_random_check(random, name) for name in names]
    _vary_fever(random, policy["fever"])
    return policy


def _random_check(random: Random, name: str) -> Policy:
    return {
        "name": name,
        "satisfied_by": list(random.choice(_SATISFIED_BY[:2] * 2 + _SATISFIED_BY)),
        "grace_minutes": random.choice([0, 0, 1, 30, 30, 90, 600]),
        "settle_minutes": random.choice([0, 0, 5, 5, 60, 720]),
        "lost_after": random.choice([0, 1, 2, 2, 3]),
        "windows": _random_windows(random),
    }


def _random_windows(random: Random) -> list[Policy]:
    count = random.choice([1, 1, 1, 2, 2, 3])
    times = sorted(random.sample(_TIMES, 2 * count))
    if random.random() < 0.2:
        times[-1] = "24:00"
    if count > 1 and random.random() < 0.3:
        times[2] = times[1]  # one begins where the other ends
    names = random.sample(_WINDOW_NAMES, count)
    return [{"name": names[i], "start": times[2 * i], "end": times[2 * i + 1]} for i in range(count)]


def _vary_fever(random: Random, fever: Policy) -> None:
    if random.random() < 0.5:
        fever["confirm_sites"] = random.sample(SITES, random.choice([0, 1, 2, 3]))
    fever["confirm_within_minutes"] = random.choice([0, 30, 30, 90])
    if random.random() < 0.2:
        fever["implausible_below_c"], fever["implausible_above_c"] = random.choice([(35, 42), (34, 41.5)])
    if random.random() < 0.2:
        fever["threshold_c"][random.choice(SITES)] = 37


def changed_policy(random: Random, former: Policy, version: str) -> Policy:
    """Change one to four things in a copy of a policy; the result may say the same as before."""
    policy = deepcopy(former)
    policy["policy_version"] = version
    for _ in range(random.randint(1, 4)):
        random.choice(_CHANGES)(random, policy)
    return policy


def _move_window(random: Random, policy: Policy) -> None:
    windows = random.choice(policy["checks"])["windows"]
    window = random.choice(windows)
    start, end = sorted(random.sample(_TIMES, 2))
    if all(end <= other["start"] or other["end"] <= start for other in windows if other is not window):
        window["start"], window["end"] = start, end


def _replace_windows(random: Random, policy: Policy) -> None:
    random.choice(policy["checks"])["windows"] = _random_windows(random)


def _rename_window(random: Random, policy: Policy) -> None:
    windows = random.choice(policy["checks"])["windows"]
    names = [name for name in _WINDOW_NAMES if name not in {window["name"] for window in windows}]
    if windows:
        random.choice(windows)["name"] = random.choice(names)


def _remove_window(random: Random, policy: Policy) -> None:
    windows = random.choice(policy["checks"])["windows"]
    if len(windows) > 1:
        windows.remove(random.choice(windows))


def _add_check(random: Random, policy: Policy) -> None:
    names = [name for name in _CHECK_NAMES if name not in {check["name"] for check in policy["checks"]}]
    if names:
        policy["checks"].append(_random_check(random, random.choice(names)))


def _remove_check(random: Random, policy: Policy) -> None:
    if len(policy["checks"]) > 1:
        policy["checks"].remove(random.choice(policy["checks"]))


def _change_rules(random: Random, policy: Policy) -> None:
    check = random.choice(policy["checks"])
    fresh = _random_check(random, check["name"])
    for field in random.sample(["satisfied_by", "grace_minutes", "settle_minutes", "lost_after"], 2):
        check[field] = fresh[field]


def _change_zone(random: Random, policy: Policy) -> None:
    policy["timezone"] = random.choice(ZONES)


def _change_observation(random: Random, policy: Policy) -> None:
    policy["observation"] = random_policy(random, "any", "UTC")["observation"]


def _change_fever(random: Random, policy: Policy) -> None:
    _vary_fever(random, policy["fever"])


_CHANGES = (
    [_move_window] * 4
    + [_replace_windows, _rename_window, _remove_window, _add_check, _remove_check, _change_rules, _change_rules]
    + [_change_zone, _change_observation, _change_fever]
)
