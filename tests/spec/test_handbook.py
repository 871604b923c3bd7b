"""The handbook holds every spec test, and is told when it is not current."""

from pathlib import Path

from events.vocabulary import CheckState
from tests.support import handbook


def test_every_chapter_has_its_folder() -> None:
    """Every folder of spec tests is a chapter, and every chapter a folder."""
    folders = {path.parent.name for path in handbook.SPEC.glob("*/test_*.py")}

    assert folders == {chapter.name for chapter in handbook.chapters()}


def test_every_sentence_is_in_it_once() -> None:
    """No two tests of the handbook say the same sentence of the same chapter."""
    for chapter in handbook.chapters():
        sentences = [paragraph.sentence for section in chapter.sections for paragraph in section.paragraphs]
        assert len(sentences) == len(set(sentences)), chapter.name


def test_the_life_of_a_check_is_drawn_from_the_table() -> None:
    """The index draws a row for every state of a check."""
    index = handbook.pages()["README.md"]

    assert all(f"| `{state}` |" in index for state in CheckState)
    assert "| `missed` | `late` |  |  | `waived` |" in index


def test_a_page_that_differs_is_told(tmp_path: Path) -> None:
    """A page that was edited, is missing, or is none is named."""
    handbook.write(tmp_path)
    assert handbook.stale(tmp_path) == []

    (tmp_path / "clock.md").write_text("edited", encoding="utf-8")
    (tmp_path / "fever.md").unlink()
    (tmp_path / "weather.md").write_text("# Weather", encoding="utf-8")
    assert handbook.stale(tmp_path) == ["clock.md", "fever.md", "weather.md"]

    handbook.write(tmp_path)
    assert handbook.stale(tmp_path) == []
