"""A bar over the bytes of a file, on a terminal; nothing elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_EVERY_CALLS = 2000


@contextmanager
def byte_progress(name: str, total_bytes: int | None) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes the bytes of each line; shows a bar on standard error where that is a terminal."""
    if total_bytes is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    pending = [0, 0]
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=total_bytes or None)

        def advance(size_bytes: int) -> None:
            pending[0] += size_bytes
            pending[1] += 1
            if pending[1] >= _EVERY_CALLS:
                bar.advance(task, pending[0])
                pending[:] = [0, 0]

        yield advance
        bar.advance(task, pending[0])


@contextmanager
def count_progress(name: str, total: int) -> Iterator[Callable[[], None]]:
    """Yield a function that is called for each of `total` steps; shows a bar on standard error where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=total)
        yield lambda: bar.advance(task)
