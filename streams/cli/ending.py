"""How the long-running commands come to their end."""

import os
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import click


def run_to_status(main: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run a command's coroutine and return its exit status, also where it ends by `sys.exit`.

    A health port that is taken is a wrong setting: exit status 2.
    """
    from streams.health.server import PortTakenError
    from streams.loops import run

    try:
        return run(main())
    except PortTakenError as error:
        raise click.UsageError(str(error)) from None
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1


def stall_status(group: BaseExceptionGroup[BaseException], otherwise: int) -> int:
    """Return the exit status of the stall that ended the process, or another where none did."""
    from streams.health.pulses import StalledError

    for error in group.exceptions:
        for each in (error, error.__cause__):
            if isinstance(each, StalledError):
                return each.exit_status
    return otherwise


def leave(status: int) -> NoReturn:
    """End the process with a status, also where a thread of a Kafka client still waits for somebody.

    For processes that have come to their end: what is acknowledged stands, and nothing else is lost by not waiting.
    """
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
