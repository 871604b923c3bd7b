"""Settings of every process: from flags, `GRIDWATCH_*` variables, a TOML file and defaults, in that order.

Nested names are joined by two underscores: `GRIDWATCH_KAFKA__BROKERS`. A wrong setting is named with what was expected.
"""

import os
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

CONFIG_VARIABLE = "GRIDWATCH_CONFIG"
DEFAULT_CONFIG = Path("gridwatch.toml")
_PREFIX = "GRIDWATCH_"
# Variables of the tests, not of any process.
_NO_SETTINGS = ("GRIDWATCH_TEST_", "GRIDWATCH_REQUIRE_", "GRIDWATCH_BENCH_", "GRIDWATCH_CHAOS")
_NAME = r"^[A-Za-z0-9.-]*$"


class SettingsError(ValueError):
    """A setting is wrong; the message names it and says what was expected."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)


class KafkaSecurity(_Section):
    """How to log in to the brokers; one block for every client."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None


class KafkaSettings(_Section):
    """Where the brokers are and how patiently they are spoken to."""

    brokers: Annotated[str, Field(min_length=1, description="host:port, several separated by commas")] = (
        "127.0.0.1:9092"
    )
    security: KafkaSecurity = KafkaSecurity()
    idempotence: Annotated[bool, Field(description="write without duplicates; the embedded broker cannot")] = True
    session_timeout_seconds: Annotated[
        float, Field(gt=0, le=1800, description="a worker that died is declared dead after so long")
    ] = 15.0
    rebalance_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    commit_interval_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0

    def client_options(self) -> dict[str, Any]:
        """Return the keyword arguments by which kafka-python's clients reach the brokers."""
        patience = {"bootstrap_timeout_ms": 10_000}
        return {"bootstrap_servers": self.brokers.split(","), **patience, **self._security(ssl_cafile=True)}

    def async_client_options(self) -> dict[str, Any]:
        """Return the keyword arguments by which aiokafka's clients reach the brokers."""
        return {"bootstrap_servers": self.brokers, **self._security(ssl_cafile=False)}

    def _security(self, *, ssl_cafile: bool) -> dict[str, Any]:
        security = self.security
        options: dict[str, Any] = {"security_protocol": security.protocol}
        if "SASL" in security.protocol:
            options |= {
                "sasl_mechanism": security.mechanism or "PLAIN",
                "sasl_plain_username": security.username,
                "sasl_plain_password": None if security.password is None else security.password.get_secret_value(),
            }
        if "SSL" in security.protocol:
            if ssl_cafile:
                options |= {
                    "ssl_cafile": None if security.ca_file is None else str(security.ca_file),
                    "ssl_certfile": None if security.certificate_file is None else str(security.certificate_file),
                    "ssl_keyfile": None if security.key_file is None else str(security.key_file),
                }
            else:
                options["ssl_context"] = self.ssl_context()
        return options

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return the TLS context of the security block, or None where there is no TLS."""
        security = self.security
        if "SSL" not in security.protocol:
            return None
        context = ssl.create_default_context(cafile=None if security.ca_file is None else str(security.ca_file))
        if security.certificate_file is not None:
            context.load_cert_chain(security.certificate_file, security.key_file)
        return context


class TopicSettings(_Section):
    """How the topics are made; counts of partitions cannot be lowered and, for the timeline, not raised later."""

    raw_partitions: Annotated[int, Field(ge=1, le=1024)] = 8
    timeline_partitions: Annotated[int, Field(ge=1, le=1024)] = 8
    result_partitions: Annotated[int, Field(ge=1, le=1024)] = 8
    replication_factor: Annotated[int, Field(ge=1, le=9)] = 3
    min_insync_replicas: Annotated[int, Field(ge=1, le=9)] = 2


class WorkerSettings(_Section):
    """How much a worker takes at once and how often it writes its state down."""

    batch_records: Annotated[int, Field(ge=1, le=100_000)] = 5000
    batch_bytes: Annotated[int, Field(ge=65_536, le=64 << 20)] = 4 << 20
    snapshot_records: Annotated[int, Field(ge=1)] = 100_000
    snapshot_seconds: Annotated[float, Field(gt=0)] = 60.0
    instance_id: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9._-]{1,200}$",
            description="a name of its own for each worker process: started again under it, it has its partitions at once",
        ),
    ] = None
    repeat_hours: Annotated[int, Field(ge=24, le=24 * 90, description="how long intake recognises repeats")] = 48


class ClockSettings(_Section):
    """How the clock of the log is driven."""

    tick_seconds: Annotated[float, Field(gt=0, le=3600)] = 10.0
    lag_seconds: Annotated[
        float,
        Field(ge=0, le=3600, description="how far the clock stays behind, for records on their way to the broker"),
    ] = 5.0
    spread_seconds: Annotated[
        float,
        Field(
            ge=0,
            le=600,
            description="over how long partitions get a tick, one after the other; half of tick_seconds at most",
        ),
    ] = 4.0
    outage_minutes: Annotated[
        float,
        Field(ge=0, le=1440, description="a clock that stood still for longer is an outage of all areas; 0 is never"),
    ] = 15.0
    backfill_minutes: Annotated[
        float,
        Field(
            ge=0, le=10_080, description="how long devices then have to send what they kept, before checks are missed"
        ),
    ] = 60.0
    ahead_seconds: Annotated[
        float,
        Field(
            ge=0, le=86_400, description="so far ahead of its witnesses the machine's time is not believed; 0 is any"
        ),
    ] = 60.0
    confirmed_until: Annotated[
        AwareDatetime | None,
        Field(description="up to this instant somebody has checked the machine's time: it is believed"),
    ] = None


class ClickHouseSettings(_Section):
    """Where the figures go: `https://user:password@host:8443`, or `chdb:///directory` for the engine in the process."""

    dsn: Annotated[str, Field(pattern=r"^(https?|chdb)://")] = "http://127.0.0.1:8123"
    database: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")] = "gridwatch"


class SinkSettings(_Section):
    """How rows are gathered for ClickHouse."""

    batch_records: Annotated[int, Field(ge=1, le=1_000_000)] = 50_000
    flush_seconds: Annotated[float, Field(gt=0, le=600)] = 1.0


class GatewaySettings(_Section):
    """Where devices post to, and how much a gateway process takes on at once."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8300
    processes: Annotated[int, Field(ge=1, le=64, description="that share the port; each uses one core")] = 1
    certificate_file: Annotated[Path | None, Field(description="of TLS; without it a proxy has to do that")] = None
    key_file: Path | None = None
    pseudonym_key_file: Annotated[
        Path | None,
        Field(description="one line: a version such as k1, and 64 hex digits; without it no identity is taken"),
    ] = None
    connections_max: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    bodies_max: Annotated[int, Field(ge=1, le=100_000, description="bodies that are read at once")] = 256
    records_max: Annotated[int, Field(ge=1000, description="records that wait for the brokers")] = 50_000
    body_seconds: Annotated[float, Field(gt=0, le=600)] = 20.0
    keep_alive_seconds: Annotated[int, Field(ge=1, le=3600)] = 30
    recent_records: Annotated[int, Field(ge=0, description="by which a repeat is answered as a duplicate")] = 200_000


class HealthSettings(_Section):
    """Where a worker, the clock and the sink answer how they are; each process needs a port of its own."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535, description="0 is none")] = 0
    ready_lag_records: Annotated[int, Field(ge=0)] = 10_000
    ready_clock_seconds: Annotated[float, Field(gt=0)] = 120.0


class WatchdogSettings(_Section):
    """After how long a process that cannot go on is ended. Time is counted in looks, one a second; a limit of 0 is never."""

    stall_seconds: Annotated[float, Field(ge=0)] = 120.0
    blocked_seconds: Annotated[float, Field(ge=0)] = 120.0
    outage_seconds: Annotated[float, Field(ge=0)] = 900.0
    survey_seconds: Annotated[float, Field(gt=0, le=600)] = 10.0


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix="GRIDWATCH_",
        env_nested_delimiter="__",
        extra="forbid",
        hide_input_in_errors=True,
        frozen=True,
    )

    kafka: KafkaSettings = KafkaSettings()
    topics: TopicSettings = TopicSettings()
    worker: WorkerSettings = WorkerSettings()
    clock: ClockSettings = ClockSettings()
    clickhouse: ClickHouseSettings = ClickHouseSettings()
    sink: SinkSettings = SinkSettings()
    gateway: GatewaySettings = GatewaySettings()
    health: HealthSettings = HealthSettings()
    watchdog: WatchdogSettings = WatchdogSettings()
    topic_prefix: Annotated[str, Field(pattern=_NAME)] = ""
    group_prefix: Annotated[str, Field(pattern=_NAME)] = ""
    log_format: Literal["auto", "json", "text"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  its name is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put flags before variables before the file."""
        if not isinstance(init_settings, InitSettingsSource):
            return (init_settings, env_settings)
        flags = dict(init_settings.init_kwargs)
        path = flags.pop("config_file", None)
        sources: list[PydanticBaseSettingsSource] = [InitSettingsSource(settings_cls, flags), env_settings]
        if path is not None:
            sources.append(TomlConfigSettingsSource(settings_cls, path))
        return tuple(sources)

    def topic(self, name: str) -> str:
        """Return a topic of the catalogue by the name it has on this cluster."""
        return f"{self.topic_prefix}{name}"

    def group(self, role: str) -> str:
        """Return the consumer group of a role."""
        return f"{self.group_prefix}gridwatch.{role}"


def load_settings(config: Path | None = None, **flags: Any) -> Settings:
    """Read the settings; `config` must exist when it is named, `gridwatch.toml` is read where it exists.

    Raises SettingsError naming the setting.
    """
    named = config or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    if named is not None and not named.is_file():
        raise SettingsError(f"config: expected a file, found none at {named}")
    path = named or (DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None)
    _refuse_unknown_variables(os.environ)
    try:
        return Settings(config_file=path, **flags)  # type: ignore[call-arg]  # taken out again by the sources
    except ValidationError as error:
        raise SettingsError(
            "; ".join(_explain(part) for part in error.errors(include_url=False, include_input=False))
        ) from None
    except ValueError as error:  # TOML, or a variable that is no JSON where a section is set as a whole
        raise SettingsError(f"{path or 'environment'}: {error}") from None


def _refuse_unknown_variables(environment: Iterable[str]) -> None:
    """Raise SettingsError for a variable that looks like a setting and is none: a slip of the pen must not go unnoticed."""
    for variable in sorted(environment):
        name = variable.upper()
        if not name.startswith(_PREFIX) or name == CONFIG_VARIABLE or name.startswith(_NO_SETTINGS):
            continue
        if name.removeprefix(_PREFIX).partition("__")[0].lower() not in Settings.model_fields:
            known = ", ".join(f"{_PREFIX}{field.upper()}" for field in Settings.model_fields)
            raise SettingsError(f"{variable}: no such setting; expected one of {known} (sections go on with __NAME)")


def _explain(error: Any) -> str:
    path = "__".join(str(step) for step in error["loc"])
    message = "no such setting" if error["type"] == "extra_forbidden" else error["msg"]
    return f"{'.'.join(str(step) for step in error['loc'])} (or GRIDWATCH_{path.upper()}): {message}"
