from __future__ import annotations

from pathlib import Path

import pytest

from alertdrill.scaffold.repository import (
    Repository,
    ScaffoldError,
    append,
    insert_at_end,
    write_changes,
)
from tests.unit.alertdrill.scaffold.files import contents

POLICY = """\
# The head.
alerts:
  First: {action: none}
  Last:
    - {action: restart}
    - {action: none}  # the default

# What follows.
limits:
  budget: 7
"""


def test_entry_is_inserted_after_the_last_one_and_nothing_else_changes() -> None:
    text = insert_at_end(POLICY, ["alerts"], "  New: {action: none}\n")
    assert text == POLICY.replace("\n\n# What", "\n  New: {action: none}\n\n# What")


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_entry_is_inserted_at_the_end_of_a_file(end: str) -> None:
    assert insert_at_end(f"groups:\n  - name: a{end}", ["groups"], "  - name: b\n") == (
        "groups:\n  - name: a\n  - name: b\n"
    )


def test_entry_is_inserted_after_a_block_of_text() -> None:
    text = "a:\n  - |\n    one\n    two\nb: 1\n"
    assert insert_at_end(text, ["a"], "  - three\n") == text.replace("b:", "  - three\nb:")


def test_entry_is_inserted_into_one_of_several_parts() -> None:
    text = "groups:\n  - rules:\n      - a: 1\n  - rules:\n      - b: 1\n"
    inserted = insert_at_end(text, ["groups", 0, "rules"], "      - c: 1\n")
    assert inserted == text.replace("a: 1\n", "a: 1\n      - c: 1\n")


@pytest.mark.parametrize("text", ["alerts: {}\n", "alerts: {A: 1}\n", "other:\n  A: 1\n", "[1]\n"])
def test_part_that_is_no_block_is_refused(text: str) -> None:
    with pytest.raises(ScaffoldError, match=r"^alerts must be a block with entries"):
        insert_at_end(text, ["alerts"], "  B: 1\n")


def test_block_is_appended_after_an_empty_line() -> None:
    assert append("a: 1\n\n", "b: 1\n") == "a: 1\n\nb: 1\n"


def test_changes_are_read_before_the_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    repository = Repository(tmp_path).with_files({"a": "new", "b/c": "new"})
    assert (repository.read("a"), repository.exists("b/c")) == ("new", True)
    assert contents(tmp_path) == {"a": b"old"}
    with pytest.raises(ScaffoldError, match=r"^d: cannot read it \("):
        repository.read("d")


def test_new_lines_to_decide_are_listed_once(tmp_path: Path) -> None:
    old = "# DECIDE: the threshold. It is low.\na: 1\n"
    (tmp_path / "a").write_text(old)
    repository = Repository(tmp_path).with_files({"a": old + old, "b": "x DECIDE: who.\n"})
    assert [line.partition(": ")[2] for line in repository.decisions()] == [
        "the threshold.",
        "who.",
    ]


def test_changes_are_written(tmp_path: Path) -> None:
    write_changes(Repository(tmp_path).with_files({"a": "1", "b/c/d": "2"}))
    assert contents(tmp_path) == {"a": b"1", "b": None, "b/c": None, "b/c/d": b"2"}


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
@pytest.mark.parametrize("failing", ["a", "b/c/d", "e"])
def test_nothing_is_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, error: BaseException
) -> None:
    (tmp_path / "a").write_text("old")
    before = contents(tmp_path)
    write_text = Path.write_text

    def fail(file: Path, *arguments: str, **options: str) -> int:
        write_text(file, *arguments, **options)
        if file == tmp_path / failing:
            raise error
        return 0

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(type(error)):
        write_changes(Repository(tmp_path).with_files({"a": "new", "b/c/d": "new", "e": "new"}))
    assert contents(tmp_path) == before
