"""A table that cannot be read says which of its lines."""

import pytest

from tests.support.timeline import TableError, Timeline


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tick", "line 2: expected 'MM-DD HH:MM | statement'"),
        ("02-03 | tick", "line 2: expected 'MM-DD HH:MM | statement'"),
        ("02-03 09:00 | sneeze P1", "line 2: cannot read 'sneeze P1'"),
        ("02-03 09:00 | close O1 P1", "line 2: cannot read 'close O1 P1'"),
        ("02-03 09:00 | open O1 P1 home", "line 2: cannot read 'open O1 P1 home'"),
        ("02-03 09:00 | visit P1 seen 36.5 ear warm", "line 2: cannot read"),
        ("02-03 09:00 | visit P1 seen, yesterday", "line 2: expected an option"),
        ("02-03 09:00 | visit P1 seen, taken early", "line 2: cannot read"),
        ("02-03 09:00 | resolve cough P1 e1", "line 2: cannot read"),
        ("02-03 09:00 | policy v2 late_days", "line 2: cannot read"),
        ("02-03 24:01 | tick", "line 2: "),
    ],
)
def test_errors_name_the_line(timeline: Timeline, line: str, expected: str) -> None:
    """The message begins with the number of the line, counted from 1 without blank ones."""
    with pytest.raises(TableError) as caught:
        timeline(f"""
            02-03 08:00 | tick

            {line}
        """)

    assert str(caught.value).startswith(expected)
