"""Run Schemathesis against a gateway on the embedded broker: python -m tests.openapi

It makes requests of docs/openapi.json, right and wrong ones, and holds every answer against it: statuses, headers, bodies,
what is taken and what is refused, methods that are not there, keys that are left out. The same requests each time. Exit
status 1 where something does not hold.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from events.records import OUTSIDE_KINDS, RAW_TOPICS
from streams.embedded.broker import EmbeddedBroker
from tests.support.brokers import BrokerUnderTest
from tests.support.gateway_process import GatewayProcess, new_key, prepare, write
from tests.support.locked_environment import ROOT, locked_python

_HERE = Path(__file__).parent
_BUILD = ROOT / "build" / "openapi"


def main() -> int:
    """Start what is needed, ask, and return the exit status."""
    options = _parse()
    python = locked_python(_BUILD / "venv", ROOT / "requirements" / "schemathesis.txt", "Schemathesis")
    if python is None:
        return 2
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with EmbeddedBroker(directory) as broker:
            config, settings = prepare(directory, broker.bootstrap, "openapi")
            source = new_key("gate-3", kinds=tuple(OUTSIDE_KINDS))
            device = new_key("terminal-1", adapter="hikvision")
            asyncio.run(write(settings, source.change, device.change))
            with GatewayProcess(config) as gateway:
                gateway.ready()
                status = _ask(python, gateway.port, source.text, device.text, options)
                if "Traceback" in gateway.log() or "a request failed" in gateway.log():
                    sys.stderr.write(gateway.log())
                    return 1
            under_test = BrokerUnderTest("embedded", broker.bootstrap)
            taken = sum(under_test.end_offsets(settings.topic(topic), 1)[0] for topic in RAW_TOPICS)
    sys.stdout.write(f"\n{taken} records were taken\n")
    return status if taken >= options.examples // 4 else 1  # else hardly anything right was asked


def _ask(python: Path, port: int, key: str, push_key: str, options: argparse.Namespace) -> int:
    command = [str(python.parent / "schemathesis"), "--config-file", str(_HERE / "schemathesis.toml"), "run"]
    command += [str(ROOT / "docs" / "openapi.json"), "--url", f"http://127.0.0.1:{port}", "--checks", "all"]
    command += ["--header", f"Authorization: Bearer {key}", "--max-examples", str(options.examples)]
    command += ["--request-timeout", "10", "--continue-on-failure", "--warnings", "off"]
    environment = {**os.environ, "GRIDWATCH_OPENAPI_PUSH_KEY": push_key, "PYTHONPATH": str(_HERE), "NO_COLOR": "1"}
    return subprocess.run(command, cwd=_BUILD, env=environment, check=False, timeout=600).returncode


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.openapi", description=__doc__)
    parser.add_argument(
        "--examples", type=int, default=400, help="how many requests of each operation are made at random"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
