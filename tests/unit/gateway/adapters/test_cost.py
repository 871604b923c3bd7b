"""What a body can cost that is made to cost much: it is refused by its count, before it is read to its end."""

import pytest

from events.vocabulary import DeadLetterReason
from streams.gateway.adapters.adapting import adapt
from streams.gateway.adapters.multipart import read_content_type
from streams.gateway.adapters.outcomes import Refused, SourceSettings, Taken
from streams.gateway.adapters.xml_reading import MOST_ATTRIBUTES
from tests.support.processes import REPOSITORY

SOURCE = SourceSettings(
    source_id="gate-3", checkpoint_id="gate-3", area="t/c1", adapter="hikvision", time_zone="Asia/Shanghai"
)
XML = (REPOSITORY / "tests" / "fixtures" / "devices" / "hikvision_backlog_fahrenheit.xml").read_bytes()


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"--" * 100_000, 'multipart/form-data; boundary="-"', "expected a boundary that is in no part"),
        (
            b"<a " + b" ".join(b'a%d="x"' % number for number in range(MOST_ATTRIBUTES + 1)) + b"/>",
            "application/xml",
            f"expected at most {MOST_ATTRIBUTES} attributes",
        ),
    ],
)
def test_too_much_to_look_at(body: bytes, content_type: str, message: str) -> None:
    """Quadratic in nothing, and told by a sentence that repeats nothing."""
    (refused,) = adapt(body, content_type, SOURCE)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.message) == (DeadLetterReason.TOO_LARGE, message)


def test_parameters_without_end() -> None:
    """Of the type of a body and of one of its parts: it counts as unknown, and the part is read by its first character."""
    parameters = b'; a="' + b";" * 7000
    assert read_content_type((b"application/xml" + parameters).decode()).name == "application/octet-stream"
    body = b"--x\r\nContent-Type: application/xml" + parameters + b"\r\n\r\n" + XML + b"\r\n--x--\r\n"
    assert any(isinstance(each, Taken) for each in adapt(body, "multipart/mixed; boundary=x", SOURCE))
