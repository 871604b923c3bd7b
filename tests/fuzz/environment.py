"""The environment of the coverage-guided engine: made in build/ from locked versions, and no part of gridwatch."""

import sys
from pathlib import Path

from tests.support.locked_environment import ROOT, locked_python

BUILD = ROOT / "build" / "fuzz"


def guided_python() -> Path | None:
    """Return the Python that has atheris, its environment made where it is not there; None where it cannot be made."""
    python = locked_python(BUILD / "venv", ROOT / "requirements" / "fuzz.txt", "the fuzzing engine")
    if python is None:
        sys.stderr.write("inputs are made without it\n")
    return python
