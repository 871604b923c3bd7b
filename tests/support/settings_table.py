"""Write `docs/SETTINGS.md` from the settings themselves, or check that it is current.

python -m tests.support.settings_table --write | --check
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import AwareDatetime, BaseModel, SecretStr
from pydantic.fields import FieldInfo

from streams.settings import CONFIG_VARIABLE, DEFAULT_CONFIG, Settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "SETTINGS.md"

HEAD = f"""<!-- Written by `python -m tests.support.settings_table --write` from streams/settings.py. Do not edit. -->

# Settings

A setting is looked for in this order; the first that has it wins:

1. the flags `--log-format` and `--log-level`;
2. the environment, under the names below; a password is best given here;
3. a TOML file: the one named by `--config` or else by `{CONFIG_VARIABLE}`, or else `{DEFAULT_CONFIG}` in the working
   directory where there is one. A section of this page is a table of the file: `brokers` under `[kafka]`. An example with
   comments is [deploy/gridwatch.toml](../deploy/gridwatch.toml);
4. the default.

`gridwatch config` shows what is in force, without passwords. A setting that is wrong ends a command with exit status 2 and
its name. `replay`, `simulate`, `demo` and `up` read no settings.
"""

# What a name and its bounds do not say. Every setting is here: the writer fails where one is missing or too many.
MEANINGS: dict[str, str] = {
    "log_format": "`text` for people, `json` for programs; `auto` is text on a terminal and JSON otherwise",
    "log_level": "what is logged, this and the more severe; logs go to standard error",
    "topic_prefix": "stands before the name of every topic, so that several installations share a cluster",
    "group_prefix": "stands before the names of the consumer groups `gridwatch.intake`, `gridwatch.watch`, `gridwatch.sink`",
    "kafka.brokers": "where to begin: `host:port`, several separated by commas",
    "kafka.idempotence": "the brokers drop what a producer wrote twice on a retry; only the embedded broker needs `false`",
    "kafka.session_timeout_seconds": "after so long without a sign of life a worker's partitions go to another one",
    "kafka.rebalance_timeout_seconds": "so long the others wait, when partitions change hands, for the batch in work",
    "kafka.commit_interval_seconds": "how often workers commit what is done; a tick waits for it, so it delays alerts",
    "kafka.security.protocol": "how connections to the brokers are made, in all clients",
    "kafka.security.mechanism": "how to log in where the protocol has SASL; `PLAIN` where nothing is said",
    "kafka.security.username": "user for SASL",
    "kafka.security.password": "password for SASL",
    "kafka.security.ca_file": "PEM file of the authorities that are trusted; without it those of the system",
    "kafka.security.certificate_file": "PEM file with the client's certificate, where the brokers ask for one",
    "kafka.security.key_file": "PEM file with its key",
    "topics.raw_partitions": "partitions of each raw topic and of `intake-state`",
    "topics.timeline_partitions": "partitions of `timeline` and `watch-state`; never changed once records stand there",
    "topics.result_partitions": "partitions of `checks`, `alerts`, `source-states`, `dead-letters`, `sources` and `audit`",
    "topics.replication_factor": "copies of every partition; 1 on a single broker",
    "topics.min_insync_replicas": "copies that must have a record before it counts as written; not used with one copy",
    "worker.batch_records": "records that intake or watch decides at once, of one partition",
    "worker.batch_bytes": "bytes of keys and values likewise",
    "worker.snapshot_records": "after so many records of a partition its state is written down",
    "worker.snapshot_seconds": "or after so long, when a batch comes; a restart reads again what came since",
    "worker.instance_id": "a name that no other worker of the role has: one started again under it has its partitions at "
    "once; when it stops for good, they wait for the session timeout",
    "worker.repeat_hours": "so long intake recognises a record that is sent again; memory grows with it",
    "clock.tick_seconds": "how often the clock of the log is raised: no alert for a miss comes sooner than the next tick",
    "clock.lag_seconds": "so far the clock stays behind the machine's, for records that are on their way to the broker",
    "clock.spread_seconds": "partitions get a tick one after the other, so that what falls due in one does not hold up all",
    "clock.outage_minutes": "after a longer standstill, what fell due is `unknown` until devices have sent what they kept",
    "clock.backfill_minutes": "so long after it devices may send what they kept; what has not come then is `missed`",
    "clock.ahead_seconds": "so far ahead of the brokers' time, or of what the steady clock makes of the last tick, this "
    "machine's time is believed; beyond it no tick is written (ADR 19); 0 believes anything",
    "clock.confirmed_until": "somebody has made sure that this machine's time is right: up to this instant it is believed, "
    "whatever the brokers say",
    "clickhouse.dsn": "`https://user:password@host:8443`, `http://...`, or `chdb:///directory`, the engine in the process",
    "clickhouse.database": "the database, which `migrate` and `sink` make; one in the path of the DSN goes before it",
    "sink.batch_records": "rows of one insert; batches end at multiples of it in the offsets of a partition",
    "sink.flush_seconds": "so long fewer rows wait for more",
    "gateway.host": "the address that devices reach it under; `0.0.0.0` lets other machines come",
    "gateway.port": "its port",
    "gateway.processes": "processes that share the port; each uses one core",
    "gateway.certificate_file": "PEM file of its TLS certificate; without one, something before it speaks TLS",
    "gateway.key_file": "PEM file with the certificate's key",
    "gateway.pseudonym_key_file": "one line, a version such as `k1` and 64 hex digits, by which identity documents become "
    "pseudonyms; the same on every gateway, for ever; without it no identity is taken",
    "gateway.connections_max": "connections of a process at once; more are answered with 503",
    "gateway.bodies_max": "bodies that a process reads at once; more are told to come again",
    "gateway.records_max": "records of a process that wait for the brokers; more are told to come again",
    "gateway.body_seconds": "so long a body may take to arrive, and 10 s more the whole request",
    "gateway.keep_alive_seconds": "so long a connection may be silent between two requests",
    "gateway.recent_records": "so many records of a process are remembered, to answer a repeat as a duplicate",
    "health.host": "the address that the health server listens on; `0.0.0.0` lets other machines ask",
    "health.port": "its port, another one for each process of a machine; 0 is no health server",
    "health.ready_lag_records": "more records of a partition to commit, and intake, watch or sink is not ready",
    "health.ready_clock_seconds": "a last tick that is older by more than `clock.tick_seconds`, and the clock is not ready",
    "watchdog.stall_seconds": "work that is due and does not move for so long ends the process with status 70; to it comes "
    "what is rightly waited for (docs/OPERATIONS.md)",
    "watchdog.blocked_seconds": "an event loop that gives no answer for so long does too, at once; for ten times as long "
    "while it computes",
    "watchdog.outage_seconds": "brokers that give no answer for so long end the process with status 4",
    "watchdog.survey_seconds": "how often the brokers are asked where the log ends and what is committed",
}


def settings(model: type[BaseModel] = Settings, path: tuple[str, ...] = ()) -> Iterator[tuple[str, FieldInfo]]:
    """Yield every setting with its dotted name: those of a section first, then the sections below it."""
    sections = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            sections.append((field.annotation, (*path, name)))
        else:
            yield ".".join((*path, name)), field
    for section, below in sections:
        yield from settings(section, below)


def variable(name: str) -> str:
    """Return the variable of the environment that holds a setting."""
    return "GRIDWATCH_" + name.upper().replace(".", "__")


def page() -> str:
    """Return the whole page; raises LookupError where the meanings and the settings do not fit."""
    found = dict(settings())
    if found.keys() != MEANINGS.keys():
        raise LookupError(f"MEANINGS does not fit the settings: {sorted(found.keys() ^ MEANINGS.keys())}")
    parts, section = [HEAD], None
    for name, field in found.items():
        of = name.rpartition(".")[0]
        if of != section:
            section = of
            parts.append(f"\n## {f'[{of}]' if of else 'At the top of the file'}\n\n{_introduction(of)}")
            parts.append("| setting | variable | default | values | meaning |\n|---|---|---|---|---|\n")
        cells = (
            f"`{name.rpartition('.')[2]}`",
            f"`{variable(name)}`",
            _default(field),
            _values(field),
            MEANINGS[name],
        )
        parts.append(f"| {' | '.join(cells)} |\n")
    return "".join(parts)


def _introduction(section: str) -> str:
    model: Any = Settings
    for step in section.split(".") if section else ():
        model = model.model_fields[step].annotation
    return "" if model is Settings else f"{(model.__doc__ or '').strip()}\n\n"


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def _values(field: FieldInfo) -> str:
    words = _words(field.annotation)
    if words:
        return ", ".join(f"`{word}`" for word in words)
    return _bounds(field) or _kind(field.annotation)


def _words(annotation: Any) -> list[str]:
    """Return the words of a Literal, within a union too."""
    found = []
    for argument in getattr(annotation, "__args__", ()):
        found += [argument] if isinstance(argument, str) else _words(argument)
    return found


def _bounds(field: FieldInfo) -> str:
    texts = []
    for rule in field.metadata:
        match rule:
            case Gt(gt=bound):
                texts.append(f"above {bound}")
            case Ge(ge=bound):
                texts.append(f"from {bound}")
            case Le(le=bound):
                texts.append(f"to {bound}")
            case Lt(lt=bound):
                texts.append(f"below {bound}")
            case MinLen() | MaxLen():
                texts.append("text")
            case _ if getattr(rule, "pattern", None):
                texts.append(f"text like `{rule.pattern}`".replace("|", "\\|"))
    return " ".join(texts)


def _kind(annotation: Any) -> str:
    arguments = [argument for argument in getattr(annotation, "__args__", (annotation,)) if argument is not type(None)]
    kinds: dict[Any, str] = {
        bool: "`true`, `false`",
        Path: "path",
        SecretStr: "text, never shown",
        AwareDatetime: "an instant, as `2026-11-22T08:00:00Z`",
    }
    return kinds.get(arguments[0], "text")


def main() -> int:
    """Write the page, or say whether it is current."""
    match sys.argv[1:]:
        case ["--write"]:
            PAGE.write_text(page(), encoding="utf-8")
            return 0
        case ["--check"]:
            if PAGE.read_text(encoding="utf-8") == page():
                return 0
            print("docs/SETTINGS.md is not current: python -m tests.support.settings_table --write", file=sys.stderr)
            return 1
        case _:
            print(__doc__, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main())
