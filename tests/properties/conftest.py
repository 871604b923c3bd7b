"""Seeds as test cases, and what is kept of one that failed."""

import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.properties.logs import Log, make_log

_EXAMPLES = 150
_LOG = pytest.StashKey[Log]()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker by which a test says how many seeds it needs, and of which size."""
    config.addinivalue_line("markers", "seeds(share, size): the share of the seeds to try, and how long their logs are")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give every test that takes a `log` its seeds; `share` of them where its marker says so."""
    if "log" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("seeds")
    terms: dict[str, Any] = {"share": 1.0, "size": "small", **({} if marker is None else marker.kwargs)}
    examples = int(os.environ.get("EXAMPLES", _EXAMPLES))
    first, size = int(os.environ.get("FIRST_SEED", "0")), os.environ.get("SIZE", terms["size"])
    count = max(1, round(examples * terms["share"]))
    metafunc.parametrize("log", [(seed, size) for seed in range(first, first + count)], indirect=True, ids=_seed)


def _seed(terms: tuple[int, str]) -> str:
    return f"seed{terms[0]}"


@pytest.fixture
def log(request: pytest.FixtureRequest) -> Log:
    """Make the history of a seed."""
    made = make_log(*request.param)
    request.node.stash[_LOG] = made
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Say of a failed seed how to repeat it, and keep its log."""
    report: Any = yield
    log = item.stash.get(_LOG, None)
    if log is not None and report.failed:
        kept = _keep(item, log)
        function = item.nodeid.partition("[")[0]
        command = f"FIRST_SEED={log.seed} SIZE={log.size} EXAMPLES=1 .venv/bin/pytest -p no:randomly '{function}'"
        report.sections.append(("how to repeat it", f"{command}\nthe log: {kept}"))
    return report


def _keep(item: pytest.Item, log: Log) -> Path:
    cache: pytest.Cache | None = getattr(item.config, "cache", None)
    directory = Path(tempfile.mkdtemp()) if cache is None else cache.mkdir("histories")
    path = directory / f"seed{log.seed}-{log.size}.ndjson"
    path.write_bytes(b"".join(line + b"\n" for line in log.lines))
    return path
