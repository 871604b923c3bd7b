"""Peers of watch: how each is installed into an environment of its own, and how it is called."""

import subprocess
import sys
import venv
from pathlib import Path

from bench.places import BUILD, ROOT, tell

_PEERS = ROOT / "bench" / "peers"


def python_peer(name: str, *arguments: str, own_environment: bool = True) -> list[str]:
    """Return the command of a peer in Python; its environment is made from the locked versions where it is not there.

    Without an environment of its own it runs in this one, which must then have what it needs.
    """
    if not own_environment:
        return [sys.executable, str(_PEERS / name / "peer.py"), *arguments]
    directory = BUILD / f"venv-{name}"
    mark = directory / ".complete"
    locked = _PEERS / name / "requirements.txt"
    if not mark.exists() or mark.read_bytes() != locked.read_bytes():
        tell(f"installing the peer {name}")
        venv.create(directory, with_pip=True, clear=True)
        pip = [str(directory / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        subprocess.run([*pip, "--require-hashes", "-r", str(locked)], check=True, stdout=sys.stderr)
        mark.write_bytes(locked.read_bytes())
    return [str(directory / "bin" / "python"), str(_PEERS / name / "peer.py"), *arguments]


def java_peer(name: str, *arguments: str) -> list[str]:
    """Return the command of a peer in Java; Maven fetches its jars and compiles it where that was not done yet."""
    directory = _PEERS / name
    built = directory / "build" / "peer.jar"
    sources = [directory / "pom.xml", *directory.glob("src/**/*.java")]
    if not built.exists() or built.stat().st_mtime < max(source.stat().st_mtime for source in sources):
        tell(f"building the peer {name}")
        subprocess.run(["mvn", "-B", "-q", "-f", str(directory / "pom.xml"), "package"], check=True, stdout=sys.stderr)
    classes = f"{built}:{Path(built.parent, 'lib')}/*"
    return ["java", "-Xmx1g", "-cp", classes, "gridwatch.bench.Peer", *arguments]
