"""Settings: where they come from, in which order, and how a wrong one is named."""

from pathlib import Path
from typing import Any

import pytest

from streams.settings import KafkaSecurity, KafkaSettings, Settings, SettingsError, load_settings

WRONG = {
    "GRIDWATCH_KAFKA__BROKERS": "",
    "GRIDWATCH_KAFKA__IDEMPOTENCE": "perhaps",
    "GRIDWATCH_KAFKA__SESSION_TIMEOUT_SECONDS": "0",
    "GRIDWATCH_KAFKA__REBALANCE_TIMEOUT_SECONDS": "-1",
    "GRIDWATCH_KAFKA__COMMIT_INTERVAL_SECONDS": "61",
    "GRIDWATCH_KAFKA__SECURITY__PROTOCOL": "TLS",
    "GRIDWATCH_KAFKA__SECURITY__MECHANISM": "GSSAPI",
    "GRIDWATCH_WORKER__INSTANCE_ID": "a b",
    "GRIDWATCH_TOPICS__RAW_PARTITIONS": "0",
    "GRIDWATCH_TOPICS__TIMELINE_PARTITIONS": "many",
    "GRIDWATCH_TOPICS__RESULT_PARTITIONS": "1025",
    "GRIDWATCH_TOPICS__REPLICATION_FACTOR": "10",
    "GRIDWATCH_TOPICS__MIN_INSYNC_REPLICAS": "0",
    "GRIDWATCH_WORKER__BATCH_RECORDS": "0",
    "GRIDWATCH_WORKER__BATCH_BYTES": "1",
    "GRIDWATCH_WORKER__SNAPSHOT_RECORDS": "0",
    "GRIDWATCH_WORKER__SNAPSHOT_SECONDS": "0",
    "GRIDWATCH_WORKER__REPEAT_HOURS": "23",
    "GRIDWATCH_CLOCK__TICK_SECONDS": "0",
    "GRIDWATCH_CLOCK__LAG_SECONDS": "-1",
    "GRIDWATCH_CLOCK__SPREAD_SECONDS": "-1",
    "GRIDWATCH_CLOCK__OUTAGE_MINUTES": "-1",
    "GRIDWATCH_CLOCK__BACKFILL_MINUTES": "-1",
    "GRIDWATCH_CLOCK__AHEAD_SECONDS": "-1",
    "GRIDWATCH_CLOCK__CONFIRMED_UNTIL": "2026-11-22T08:00:00",
    "GRIDWATCH_CLICKHOUSE__DSN": "clickhouse://host",
    "GRIDWATCH_CLICKHOUSE__DATABASE": "a-b",
    "GRIDWATCH_SINK__BATCH_RECORDS": "0",
    "GRIDWATCH_SINK__FLUSH_SECONDS": "601",
    "GRIDWATCH_GATEWAY__HOST": "",
    "GRIDWATCH_GATEWAY__PORT": "65536",
    "GRIDWATCH_GATEWAY__PROCESSES": "0",
    "GRIDWATCH_GATEWAY__CONNECTIONS_MAX": "0",
    "GRIDWATCH_GATEWAY__BODIES_MAX": "0",
    "GRIDWATCH_GATEWAY__RECORDS_MAX": "10",
    "GRIDWATCH_GATEWAY__BODY_SECONDS": "601",
    "GRIDWATCH_GATEWAY__KEEP_ALIVE_SECONDS": "0",
    "GRIDWATCH_GATEWAY__RECENT_RECORDS": "-1",
    "GRIDWATCH_HEALTH__HOST": "",
    "GRIDWATCH_HEALTH__PORT": "65536",
    "GRIDWATCH_HEALTH__READY_LAG_RECORDS": "-1",
    "GRIDWATCH_HEALTH__READY_CLOCK_SECONDS": "0",
    "GRIDWATCH_WATCHDOG__STALL_SECONDS": "-1",
    "GRIDWATCH_WATCHDOG__BLOCKED_SECONDS": "soon",
    "GRIDWATCH_WATCHDOG__OUTAGE_SECONDS": "-1",
    "GRIDWATCH_WATCHDOG__SURVEY_SECONDS": "0",
    "GRIDWATCH_TOPIC_PREFIX": "with space",
    "GRIDWATCH_GROUP_PREFIX": "with/slash",
    "GRIDWATCH_LOG_FORMAT": "xml",
    "GRIDWATCH_LOG_LEVEL": "loud",
}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let no variable or file of the machine count."""
    import os

    for name in list(os.environ):
        if name.upper().startswith("GRIDWATCH_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults() -> None:
    """Without anything set, the defaults hold."""
    assert load_settings() == Settings()


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is named as in the file and as a variable, and what was given is not repeated."""
    value = WRONG[name]
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as caught:
        load_settings()

    path = name.removeprefix("GRIDWATCH_").lower().replace("__", ".")
    assert str(caught.value).startswith(f"{path} (or {name}): ")
    assert value in ("", "0", "1", "-1", "10", "23", "61", "601", "1025", "65536") or value not in str(caught.value)


def test_every_setting_has_a_wrong_value() -> None:
    """The table above leaves no setting out, but for those that take any text or switch."""
    free = {"username", "password", "ca_file", "certificate_file", "key_file", "pseudonym_key_file"}
    names = {
        name for name in setting_names(Settings.model_json_schema()) if name.rpartition("__")[2].lower() not in free
    }

    assert names == set(WRONG)


def setting_names(schema: dict[str, Any]) -> set[str]:
    """Return the variable of every setting in a schema."""

    def walk(part: dict[str, Any], prefix: str) -> set[str]:
        names = set()
        for name, field in part["properties"].items():
            reference = field.get("$ref") or next((each["$ref"] for each in field.get("allOf", [])), None)
            if reference is None:
                names.add(f"{prefix}{name.upper()}")
            else:
                names |= walk(schema["$defs"][reference.rpartition("/")[2]], f"{prefix}{name.upper()}__")
        return names

    return walk(schema, "GRIDWATCH_")


def test_several_wrong_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them are named at once."""
    monkeypatch.setenv("GRIDWATCH_CLOCK__TICK_SECONDS", "0")
    monkeypatch.setenv("GRIDWATCH_SINK__BATCH_RECORDS", "0")

    with pytest.raises(SettingsError, match=r"clock\.tick_seconds .*; sink\.batch_records "):
        load_settings()


@pytest.mark.parametrize(
    "name",
    ["GRIDWATCH_KAFKA__BROKER", "GRIDWATCH_KAFKA__SECURITY__USER", "GRIDWATCH_BROKERS", "gridwatch_kafk__brokers"],
)
def test_a_variable_that_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip in the name of a variable is no setting, and is said."""
    monkeypatch.setenv(name, "kafka:9092")

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert name.lower() in str(caught.value).lower()
    assert "kafka:9092" not in str(caught.value)


@pytest.mark.parametrize("name", ["GRIDWATCH_TEST_KAFKA", "GRIDWATCH_REQUIRE_KAFKA", "GRIDWATCHER", "GRID"])
def test_a_variable_of_somebody_else(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of the tests and of other programs are let alone."""
    monkeypatch.setenv(name, "1")

    assert load_settings() == Settings()


def test_flags_before_variables_before_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each setting from the first that has it, also within a section."""
    file = tmp_path / "some.toml"
    file.write_text(
        'log_level = "error"\nlog_format = "text"\ntopic_prefix = "file-"\n'
        '[kafka]\nbrokers = "file:1"\nidempotence = false\n'
    )
    monkeypatch.setenv("GRIDWATCH_LOG_LEVEL", "warning")
    monkeypatch.setenv("GRIDWATCH_LOG_FORMAT", "json")
    monkeypatch.setenv("GRIDWATCH_KAFKA__BROKERS", "variable:1")

    settings = load_settings(file, log_level="debug")

    assert settings.log_level == "debug"
    assert settings.log_format == "json"
    assert settings.topic_prefix == "file-"
    assert (settings.kafka.brokers, settings.kafka.idempotence) == ("variable:1", False)


def test_which_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """gridwatch.toml where it is, unless a variable names another, unless a flag names another."""
    for name in ("gridwatch", "variable", "flag"):
        (tmp_path / f"{name}.toml").write_text(f'topic_prefix = "{name}-"')

    assert load_settings().topic_prefix == "gridwatch-"
    monkeypatch.setenv("GRIDWATCH_CONFIG", str(tmp_path / "variable.toml"))
    assert load_settings().topic_prefix == "variable-"
    assert load_settings(tmp_path / "flag.toml").topic_prefix == "flag-"


def test_a_file_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file that is named must exist, by flag or variable."""
    missing = tmp_path / "missing.toml"

    with pytest.raises(SettingsError, match=r"missing\.toml"):
        load_settings(missing)
    monkeypatch.setenv("GRIDWATCH_CONFIG", str(missing))
    with pytest.raises(SettingsError, match=r"missing\.toml"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[kafka\n", "gridwatch.toml"),
        ('[kafka]\nbroker = "x"', "kafka.broker"),
        ("kafka = 3", "kafka"),
        ("[clok]\ntick_seconds = 1", "clok"),
        ("[clock]\ntick_seconds = 0", "clock.tick_seconds"),
        ('log_level = "loud"', "log_level"),
    ],
)
def test_a_wrong_file(text: str, named: str, tmp_path: Path) -> None:
    """What is wrong in the file is named."""
    (tmp_path / "gridwatch.toml").write_text(text)

    with pytest.raises(SettingsError, match=named.replace(".", r"\.")):
        load_settings()


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    """Neither a traceback nor the bytes."""
    (tmp_path / "gridwatch.toml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(SettingsError, match=r"gridwatch\.toml"):
        load_settings()


def test_names_on_the_cluster() -> None:
    """Prefixes go before topics and groups."""
    settings = Settings(topic_prefix="town1.", group_prefix="town1-")

    assert settings.topic("visits") == "town1.visits"
    assert settings.group("watch") == "town1-gridwatch.watch"


def test_a_password_is_not_shown() -> None:
    """Not by repr, str or JSON; the clients get it."""
    security = KafkaSecurity.model_validate(
        {"protocol": "SASL_PLAINTEXT", "username": "u", "password": "secret-1", "mechanism": "PLAIN"}
    )
    kafka = KafkaSettings(security=security)

    assert "secret-1" not in repr(kafka) + str(kafka) + kafka.model_dump_json()
    for options in (kafka.client_options(), kafka.async_client_options()):
        assert options["sasl_plain_password"] == "secret-1"
        assert options["sasl_mechanism"] == "PLAIN"
        assert options["security_protocol"] == "SASL_PLAINTEXT"


def test_without_security() -> None:
    """Plain connections carry no credentials and no TLS context."""
    options = KafkaSettings(brokers="a:1,b:2").async_client_options()

    assert options == {"bootstrap_servers": "a:1,b:2", "security_protocol": "PLAINTEXT"}
    assert KafkaSettings().ssl_context() is None
