"""A batch application can be made wherever a process can run."""

import subprocess
import sys

_WITHOUT_ROOM = """
import resource
from streams.batching import batch_app
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
print(batch_app("group", "127.0.0.1:1").conf.id)
"""


def test_an_app_is_made_where_not_a_byte_can_be_written() -> None:
    made = subprocess.run([sys.executable, "-c", _WITHOUT_ROOM], capture_output=True, text=True, check=False)
    assert (made.stdout, made.returncode) == ("group\n", 0), made.stderr
