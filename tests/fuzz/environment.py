"""The environment of the coverage-guided engine: made in build/ from locked versions, and no part of gridwatch."""

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "fuzz"
_LOCKED = ROOT / "requirements" / "fuzz.txt"


def guided_python() -> Path | None:
    """Return the Python that has atheris, its environment made where it is not there; None where it cannot be made."""
    directory = BUILD / "venv"
    python, mark = directory / "bin" / "python", directory / ".complete"
    if mark.exists() and mark.read_bytes() == _LOCKED.read_bytes():
        return python
    sys.stderr.write("installing the fuzzing engine from requirements/fuzz.txt (once) ...\n")
    try:
        venv.create(directory, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        subprocess.run(
            [*pip, "--only-binary", ":all:", "--require-hashes", "-r", str(_LOCKED)], check=True, stdout=sys.stderr
        )
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"the engine cannot be installed ({error}); inputs are made without it\n")
        return None
    mark.write_bytes(_LOCKED.read_bytes())
    return python
