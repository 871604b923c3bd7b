"""Run a module where not a byte can be written to any file, and nothing said: as on a disk that is full.

usage: python -m tests.chaos.cramped MODULE [ARGUMENT ...]
"""

from __future__ import annotations

import os
import resource
import runpy
import sys
import tempfile

EXIT_NOT_FULL = 99


def can_write_files() -> bool:
    """Tell whether a file of one byte can be written; tempfile looks for a folder where it can."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        return False
    return True


def main() -> None:
    """Put the limits on this process, see that they hold, and become the module."""
    full = os.open("/dev/full", os.O_WRONLY)
    for standard in (1, 2):
        os.dup2(full, standard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # Python ignores SIGXFSZ: writing raises OSError
    if can_write_files():
        os._exit(EXIT_NOT_FULL)
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
