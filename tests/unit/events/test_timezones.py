"""Time zones come from the pinned zone data alone, so that a replay is the same on every host."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from events.timezones import is_timezone, load_timezone


def test_zones_are_read_from_the_package_and_not_from_the_host(tmp_path: Path) -> None:
    """A host whose file for Shanghai is New York's changes nothing."""
    host = tmp_path / "zoneinfo"
    (host / "Asia").mkdir(parents=True)
    code = (
        "from importlib import resources; import pathlib, sys\n"
        "data = resources.files('tzdata').joinpath('zoneinfo', 'America', 'New_York').read_bytes()\n"
        "pathlib.Path(sys.argv[1], 'Asia', 'Shanghai').write_bytes(data)\n"
        "from datetime import UTC, datetime; from zoneinfo import ZoneInfo\n"
        "from events.timezones import load_timezone\n"
        "at = datetime(2020, 2, 1, tzinfo=UTC)\n"
        "print(at.astimezone(ZoneInfo('Asia/Shanghai')).hour, at.astimezone(load_timezone('Asia/Shanghai')).hour)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(host)],
        env={"PYTHONTZPATH": str(host), "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert run.stdout.split() == ["19", "8"]


@pytest.mark.parametrize(
    "name",
    ["", "shanghai", "Asia", "asia/shanghai", "../etc/passwd", "/etc/localtime", "localtime", "UTC+8", "posixrules"],
)
def test_other_names_are_no_zones(name: str) -> None:
    assert not is_timezone(name)
    with pytest.raises(ValueError, match="IANA"):
        load_timezone(name)


def test_zones_know_daylight_saving_of_the_year() -> None:
    berlin = load_timezone("Europe/Berlin")
    assert datetime(2020, 3, 29, 1, 0, tzinfo=UTC).astimezone(berlin).hour == 3
    assert datetime(2020, 3, 29, 0, 59, tzinfo=UTC).astimezone(berlin).hour == 1
