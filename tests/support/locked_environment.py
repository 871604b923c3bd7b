"""Environments of tools that are no part of gridwatch: made in build/ from locked versions, when first needed."""

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def locked_python(directory: Path, locked: Path, what: str) -> Path | None:
    """Return the Python of an environment with what `locked` names, made where it is not there; None where it cannot be."""
    python, mark = directory / "bin" / "python", directory / ".complete"
    if mark.exists() and mark.read_bytes() == locked.read_bytes():
        return python
    sys.stderr.write(f"installing {what} from {locked.relative_to(ROOT)} (once) ...\n")
    try:
        venv.create(directory, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        subprocess.run(
            [*pip, "--only-binary", ":all:", "--require-hashes", "-r", str(locked)], check=True, stdout=sys.stderr
        )
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"{what} cannot be installed ({error})\n")
        return None
    mark.write_bytes(locked.read_bytes())
    return python
