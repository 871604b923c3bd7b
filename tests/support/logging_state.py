"""Loggers as they were, for tests that let a program set them up in this process."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

_LIBRARIES = ("aiokafka", "faust", "mode", "streams.batching", "urllib3", "clickhouse_connect", "kafka")


@contextmanager
def logging_kept() -> Iterator[None]:
    """Give handlers and levels back at the end."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in _LIBRARIES}
    try:
        yield
    finally:
        root.handlers, root.level = handlers, level
        for name, before in levels.items():
            logging.getLogger(name).setLevel(before)
        structlog.reset_defaults()
