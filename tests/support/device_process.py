"""A device as a process that can be killed at any moment: `python -m tests.support.device_process JSON`.

It records and sends until it is killed, or with `count` 0 until everything is delivered. What `record` returned stands in
the journal, a line each, written only after it returned.
"""

import json
import sys
import threading
from pathlib import Path

from streams.device.gateway import Gateway
from streams.device.keys import parse_key
from streams.device.sending import Limits
from streams.device.spool import Spool
from streams.device.uploader import Uploader
from tests.support.scripted_gateway import KEY, SOURCE


def main() -> None:
    """Record `count` records and send what there is."""
    settings = json.loads(sys.argv[1])
    stop, wake = threading.Event(), threading.Event()
    with Spool(Path(settings["spool"]), SOURCE) as spool:
        gateway = Gateway(settings["url"], lambda: parse_key(KEY))
        uploader = Uploader(spool, gateway, limits=Limits(most_records=7, first_wait_seconds=0.01))
        recording = threading.Thread(target=record, args=(spool, settings, wake), daemon=True)
        recording.start()
        uploader.run(stop, wake, lambda: not recording.is_alive() and not spool.has_waiting())


def record(spool: Spool, settings: dict[str, object], wake: threading.Event) -> None:
    """Record readings, and say which are certain."""
    with Path(str(settings["journal"])).open("a", encoding="ascii") as journal:
        for _ in range(int(str(settings["count"]))):
            journal.write(spool.record("temperature_taken", {"person_id": "p-000001"}) + "\n")
            journal.flush()
            wake.set()


if __name__ == "__main__":
    main()
