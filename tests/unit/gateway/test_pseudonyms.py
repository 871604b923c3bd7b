"""Pseudonyms of identity documents."""

import hmac
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gateway.adapters.identity import Identity
from streams.gateway.pseudonyms import RESIDENT_ID, PseudonymKeyError, Pseudonyms, read_pseudonyms

KEY = bytes(range(32))
PSEUDONYMS = Pseudonyms("k1", KEY)
# Invented: a region that does not exist, with the check digit that follows.
RESIDENT = "990101190001010017"


def check_digit(first: str) -> str:
    """Return the last digit as the standard writes it down: weights 7, 9, 10, 5, ... and a table."""
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    return "10X98765432"[sum(int(digit) * weight for digit, weight in zip(first, weights, strict=True)) % 11]


def test_it_is_a_keyed_hash_of_type_and_number() -> None:
    expected = hmac.new(KEY, b"passport|E12345678", sha256).hexdigest()[:32]
    assert PSEUDONYMS.person_id(Identity("passport", "E12345678")) == f"k1-{expected}"


@pytest.mark.parametrize("spelled", [" e12345678 ", "E1234-5678", "E12 345 678", "\uff2512345678"])
def test_spelling_makes_no_difference(spelled: str) -> None:
    assert PSEUDONYMS.person_id(Identity("passport", spelled)) == PSEUDONYMS.person_id(
        Identity("passport", "E12345678")
    )


def test_type_key_and_version_do() -> None:
    passport, card = Identity("passport", "E12345678"), Identity("card", "E12345678")
    ids = {
        PSEUDONYMS.person_id(passport),
        PSEUDONYMS.person_id(card),
        Pseudonyms("k2", KEY).person_id(passport),
        Pseudonyms("k1", KEY[::-1]).person_id(passport),
    }
    assert len(ids) == 4


@given(st.text("0123456789", min_size=17, max_size=17))
def test_a_resident_number_needs_its_check_digit(first: str) -> None:
    right = check_digit(first)
    pseudonym = PSEUDONYMS.person_id(Identity(RESIDENT_ID, first + right.lower()))
    assert pseudonym == PSEUDONYMS.person_id(Identity(RESIDENT_ID, first + right))
    for wrong in set("0123456789X") - {right}:
        with pytest.raises(ValueError, match="18 digits") as raised:
            PSEUDONYMS.person_id(Identity(RESIDENT_ID, first + wrong))
        assert first not in str(raised.value)


@pytest.mark.parametrize("number", ["1", RESIDENT[:-1], RESIDENT + "1", "X" * 18])
def test_a_resident_number_has_18_digits(number: str) -> None:
    with pytest.raises(ValueError, match="18 digits"):
        PSEUDONYMS.person_id(Identity(RESIDENT_ID, number))


def test_a_number_of_separators_is_none() -> None:
    with pytest.raises(ValueError, match="expected a number"):
        PSEUDONYMS.person_id(Identity("passport", "- -"))


def test_a_key_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(f"k1 {KEY.hex()}\n")
    identity = Identity("passport", "E1")
    assert read_pseudonyms(path).person_id(identity) == PSEUDONYMS.person_id(identity)
    assert KEY.hex() not in repr(read_pseudonyms(path))


@pytest.mark.parametrize(
    "text", ["", KEY.hex(), f"k1 {KEY.hex()[:-2]}", f"k1 {KEY.hex()}0", f"K1 {KEY.hex()}", "k1 \xe9"]
)
def test_what_is_no_key_file_is_said_without_what_is_in_it(text: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(PseudonymKeyError, match="pseudonym_key_file") as raised:
        read_pseudonyms(path)
    assert KEY.hex()[:20] not in str(raised.value)
    with pytest.raises(PseudonymKeyError, match="cannot read"):
        read_pseudonyms(tmp_path / "none")
