"""Equal settings give equal bytes; what is thinned away changes no story."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from streams.town.write import EVENTS, TOWN, TRUTH_ALERTS, TRUTH_CHECKS, TRUTH_DEAD_LETTERS, write_town
from tests.unit.town.towns import lines_of, rows_of, small

_WRITE = """
import sys
from pathlib import Path
from streams.town.write import write_town
from tests.unit.town.towns import small
write_town(small(), Path(sys.argv[1]))
"""


def test_files_do_not_depend_on_the_process(tmp_path: Path) -> None:
    write_town(small(), tmp_path / "here")
    environment = os.environ | {"PYTHONHASHSEED": "4711", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", _WRITE, str(tmp_path / "there")], env=environment, check=True)

    for name in (EVENTS, TRUTH_CHECKS, TRUTH_ALERTS, TRUTH_DEAD_LETTERS, TOWN):
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()


def test_another_seed_is_another_town(tmp_path: Path) -> None:
    write_town(small(), tmp_path / "one")
    write_town(small(seed=2), tmp_path / "two")

    assert (tmp_path / "one" / TRUTH_ALERTS).read_bytes() != (tmp_path / "two" / TRUTH_ALERTS).read_bytes()


def test_thinning_changes_no_story(tmp_path: Path) -> None:
    settings = small(scan_share=0.2)
    write_town(settings, tmp_path / "more")
    write_town(replace(settings, scan_share=0.0), tmp_path / "none")

    for name in (TRUTH_CHECKS, TRUTH_ALERTS):
        assert (tmp_path / "more" / name).read_bytes() == (tmp_path / "none" / name).read_bytes()
    reasons = [[row["reason"] for row in rows_of(tmp_path / name, TRUTH_DEAD_LETTERS)] for name in ("more", "none")]
    assert reasons[0] == reasons[1]
    returnees = {row["person_id"].encode() for row in rows_of(tmp_path / "none", TRUTH_CHECKS)}
    counts = [
        sum(any(person in line for person in returnees) for _, line in lines_of(tmp_path / name))
        for name in ("more", "none")
    ]
    assert counts[0] == counts[1]
