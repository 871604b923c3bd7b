"""Read a file, decode and check every line, and nothing else: each becomes a value with every field, or is refused.

python -m bench.subjects.checking EVENTS
"""

import sys

from events.codec import Refusal, decode
from events.scan_wire import is_future, read_scan
from streams.replay import line_blocks


def main(path: str) -> None:
    """Take every line by the quick way where it is a scan, else by the long one; refused ones are passed over."""
    with open(path, "rb") as file:  # noqa: PTH123  as fast as can be
        for _, lines, _ in line_blocks(file):
            for line in lines:
                scan = read_scan(line)
                if scan is not None and not is_future(scan):
                    continue
                try:
                    decode(line)
                except Refusal:
                    continue


if __name__ == "__main__":
    main(sys.argv[1])
