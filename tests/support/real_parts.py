"""Tests that break real parts run where they are asked for: GRIDWATCH_CHAOS=1, with Java and Maven."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.support.brokers import REQUIRE_VARIABLE

VARIABLE = "GRIDWATCH_CHAOS"


@pytest.fixture
def breaks_real_parts() -> None:
    """Leave the test out where nobody asked for it, and fail where something is missing that was required."""
    if os.environ.get(VARIABLE) != "1":
        pytest.skip(f"left out: they break real parts for minutes. {VARIABLE}=1 asks for them")
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if missing and os.environ.get(REQUIRE_VARIABLE) == "1":
        pytest.fail(f"{REQUIRE_VARIABLE}=1, but there is no {' and no '.join(missing)}")
    if missing:
        pytest.skip(f"left out: no {' and no '.join(missing)}")
