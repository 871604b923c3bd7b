"""Settings are refused with the name of the one that is wrong; the census adds up."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from streams.cli.simulate import command
from streams.town.census import take_census
from streams.town.settings import Rates, SettingsError, TownSettings
from streams.town.write import TOWN
from tests.unit.town.towns import small


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("days", 2),
        ("compounds", 0),
        ("households", 3),
        ("residents", 1),
        ("returnees", -1),
        ("scan_share", 1.5),
        ("tick_minutes", 7),
    ],
)
def test_wrong_setting_is_named(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: expected"):
        small(**{name: value})


def test_wrong_rate_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^fever_rate: expected a number from 0 to 1"):
        Rates(fever_rate=float("nan"))


@pytest.mark.parametrize(
    "settings", [TownSettings(), small(), small(compounds=1, households=1, residents=4, returnees=1)]
)
def test_census_adds_up(settings: TownSettings) -> None:
    census = take_census(settings)

    assert len(census.compounds) == settings.compounds
    assert sum(home.households for home in census.compounds) == settings.households
    assert sum(home.residents for home in census.compounds) == settings.residents == len(census.compound_of)
    assert all(home.residents >= home.households > 0 for home in census.compounds)


def test_command_writes_a_town_and_refuses_to_overwrite_it(tmp_path: Path) -> None:
    arguments = ["--out", str(tmp_path / "town"), "--town", "small", "--scan-share", "0", "--json"]
    first = CliRunner().invoke(command, arguments)
    again = CliRunner().invoke(command, arguments)

    assert first.exit_code == 0
    assert json.loads(first.stdout) == json.loads((tmp_path / "town" / TOWN).read_text())
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert CliRunner().invoke(command, [*arguments, "--force"]).exit_code == 0


def test_command_names_the_wrong_option(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--out", str(tmp_path / "town"), "--tick-minutes", "7"])

    assert result.exit_code == 2
    assert "--tick-minutes" in result.stderr
    assert not (tmp_path / "town").exists()
