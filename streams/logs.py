"""Logs of every process: readable on a terminal, one JSON object a line otherwise; libraries' logs come out the same."""

import logging
import sys
import time
from typing import Any

import structlog

# In an outage aiokafka says the same some sixty times a second, for as long as it lasts.
_REPEATED_AFTER_S = 30.0


class _Sparsely(logging.Filter):
    """Lets what aiokafka says through once in half a minute for each of its sentences, whatever places it names."""

    def __init__(self) -> None:
        super().__init__()
        self._said_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("aiokafka"):
            return True
        sentence, now = f"{record.name} {record.msg}", time.monotonic()
        if now - self._said_at.get(sentence, -_REPEATED_AFTER_S) < _REPEATED_AFTER_S:
            return False
        self._said_at[sentence] = now
        return True


class _WithoutText(logging.Filter):
    """Leaves out the text of errors of which uvicorn tells: it may repeat what was sent. Type and place stay."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.name.startswith("uvicorn"):
            kind, _, trace = record.exc_info
            shown = RuntimeError("" if kind is None else f"{kind.__name__}, of which the text is not shown")
            record.exc_info = RuntimeError, shown, trace
        return True


def configure_logs(log_format: str = "auto", level: str = "info", *, are_clients_quiet: bool = False) -> None:
    """Send everything, that of Faust and the Kafka clients too, to standard error in one form.

    `log_format` is `auto` (text on a terminal, else json), `json` or `text`. With `are_clients_quiet` what the Kafka clients
    say is left out: for commands that raise it in the end and say it once. Ids of people, names and readings are never
    given to a logger, so nothing needs to be taken out here.
    """
    as_text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Any] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
        if as_text
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    handler.addFilter(_WithoutText())
    if level != "debug":
        handler.addFilter(_Sparsely())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiokafka", "faust", "mode", "streams.batching"):
        logging.getLogger(noisy).setLevel("WARNING" if level != "debug" else "DEBUG")
    if are_clients_quiet and level != "debug":
        logging.getLogger("aiokafka").setLevel("CRITICAL")
    # At level debug aiokafka shows every record that it sends.
    for showing in ("aiokafka.conn", "aiokafka.producer"):
        logging.getLogger(showing).setLevel("INFO" if level == "debug" else "NOTSET")
    # A commit that takes longer than its interval is no news.
    logging.getLogger("mode.timers").setLevel("ERROR" if level != "debug" else "DEBUG")
    # In an outage urllib3 logs whole URLs, with what was asked in them; the client sets the level of its parent at import.
    for talkative in ("urllib3.connectionpool", "clickhouse_connect"):
        logging.getLogger(talkative).setLevel("ERROR")
    # uvicorn warns of every request that is none, and whoever sends those sends many; they are counted by status.
    logging.getLogger("uvicorn").setLevel("ERROR" if level != "debug" else "DEBUG")
    # kafka-python logs every attempt to connect; what fails in the end is raised and said once.
    logging.getLogger("kafka").setLevel("CRITICAL" if level != "debug" else "DEBUG")


def get_logger(name: str) -> Any:
    """Return the logger of a module."""
    return structlog.stdlib.get_logger(name)
