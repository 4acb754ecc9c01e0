import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path

import pytest

from alertdrill.runtimes.native import log_files
from alertdrill.runtimes.native.log_files import follow
from alertdrill.runtimes.native.supervisor import LOG_BACKUPS

Act = Callable[[], object]
Follow = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "web-1.jsonl"


def last_lines(file: Path, count: int | None) -> list[str]:
    return [line for _, line in next(follow({"web-1": file}, count))]


def append(file: Path, text: str) -> None:
    with file.open("a") as out:
        out.write(text)


def rotate(file: Path) -> None:
    """Rotate like supervisord: rename, and start an empty file."""
    for number in range(LOG_BACKUPS - 1, 0, -1):
        older = file.with_name(f"{file.name}.{number}")
        if older.exists():
            older.rename(file.with_name(f"{file.name}.{number + 1}"))
    file.rename(file.with_name(f"{file.name}.1"))
    file.touch()


@pytest.mark.parametrize(
    ("content", "count", "expected"),
    [
        (b"1\n2\n3\n", 2, ["2", "3"]),
        (b"1\n2\n3\n", 9, ["1", "2", "3"]),
        (b"1\n2\n3\n", 0, []),
        (b"", 5, []),
        (b"1\n2\nhal", 1, ["2"]),
        (b"1\n\n3\n", None, ["1", "", "3"]),
        (b"a\xffb\r\nc\x0cd\xe2\x80\xa8e\n", 5, ["a\ufffdb\r", "c\x0cd\u2028e"]),
    ],
)
def test_last_lines_are_read(
    log: Path, content: bytes, count: int | None, expected: list[str]
) -> None:
    assert last_lines(log, count) == []  # the file is missing
    log.write_bytes(content)
    assert last_lines(log, count) == expected


def test_line_across_two_files_is_joined(log: Path) -> None:
    append(log, "1\n2\nhal")
    rotate(log)
    append(log, "f\n4\nhal")
    assert last_lines(log, 1) == ["4"]
    assert last_lines(log, 2) == ["half", "4"]
    assert last_lines(log, 3) == last_lines(log, 9)[1:] == ["2", "half", "4"]


def test_last_lines_include_every_rotated_file(log: Path) -> None:
    for number in range(LOG_BACKUPS):
        append(log, f"{number} begins\n{number} is")
        rotate(log)
        append(log, " whole\n")
    assert last_lines(log, 3) == ["3 is whole", "4 begins", "4 is whole"]
    assert len(last_lines(log, 99)) == 2 * LOG_BACKUPS
    assert last_lines(log, None) == last_lines(log, 99)


def test_missing_rotated_file_is_skipped(log: Path) -> None:
    append(log, "1\n")
    rotate(log)
    rotate(log)
    log.with_name(log.name + ".1").unlink()  # supervisord is about to rename
    append(log, "2\n")
    assert last_lines(log, None) == ["1", "2"]


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> Follow:
    """Return a function that follows files, and runs the next action instead of each sleep."""

    def run(files: dict[str, Path], count: int, *acts: Act) -> list[tuple[str, str]]:
        waiting: Iterator[Act] = iter(acts)
        with monkeypatch.context() as patched:
            patched.setattr(time, "sleep", lambda _: next(waiting)())
            return list(islice(chain.from_iterable(follow(files, 0)), count))

    return run


def test_only_new_lines_are_followed(log: Path, followed: Follow) -> None:
    append(log, "old\n")
    assert followed({"web-1": log}, 2, lambda: append(log, "1\n2\n")) == [
        ("web-1", "1"),
        ("web-1", "2"),
    ]


@pytest.mark.parametrize("count", [0, 1, 9, None])
def test_following_continues_after_existing_lines(log: Path, count: int | None) -> None:
    append(log, "1\n2\nhal")
    groups = follow({"web-1": log}, count)
    kept = [line for _, line in next(groups)]
    append(log, "f\n4\n")
    assert kept == ["1", "2"][2 - (2 if count is None else min(count, 2)) :]
    assert list(next(groups)) == [("web-1", "half"), ("web-1", "4")]


def test_rotation_after_existing_lines_loses_nothing(log: Path) -> None:
    append(log, "1\nha")
    groups = follow({"web-1": log}, None)
    assert [line for _, line in next(groups)] == ["1"]
    append(log, "lf\n3\nend")
    rotate(log)
    append(log, "ed\n")
    assert [line for _, line in next(groups)] == ["half", "3", "ended"]


def test_no_new_lines_is_an_empty_batch(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    groups = follow({"web-1": log}, 0)
    assert [list(next(groups)) for _ in range(3)] == [[], [], []]
    assert slept == [log_files.POLL_INTERVAL_S] * 2


@pytest.mark.parametrize(
    "written", [["ha", "lf", "\nno"], ["", "half\n"], ["half\n"]], ids=["parts", "later", "new"]
)
def test_line_is_followed_when_it_is_complete(
    log: Path, followed: Follow, written: list[str]
) -> None:
    acts = [partial(append, log, text) for text in written]
    assert followed({"web-1": log}, 1, *acts) == [("web-1", "half")]


def test_rotation_loses_no_line_and_splits_none(log: Path, followed: Follow) -> None:
    def turn() -> None:
        append(log, "2\nin ")
        rotate(log)
        append(log, "one\n")

    acts = (lambda: append(log, "1\n"), turn, lambda: append(log, "4\n"))
    lines = [line for _, line in followed({"web-1": log}, 4, *acts)]
    assert lines == ["1", "2", "in one", "4"]


def test_missing_file_is_awaited(log: Path, followed: Follow) -> None:
    acts = (
        lambda: append(log, "1\n"),
        lambda: log.rename(log.with_name(log.name + ".1")),  # supervisord has not created it yet
        lambda: append(log, "2\n"),
    )
    assert [line for _, line in followed({"web-1": log}, 2, *acts)] == ["1", "2"]


def test_two_rotations_mix_no_lines(log: Path, followed: Follow) -> None:
    def turn_twice() -> None:
        append(log, "lost\n")
        rotate(log)
        append(log, "missed\n")
        rotate(log)
        append(log, "3\n")

    lines = followed({"web-1": log}, 2, lambda: append(log, "1\nhalf of "), turn_twice)
    assert [line for _, line in lines] == ["1", "3"]


def test_each_line_names_its_file(tmp_path: Path, log: Path, followed: Follow) -> None:
    other = tmp_path / "lb-1.jsonl"
    acts = (lambda: append(other, "a\n"), lambda: append(log, "b\n"))
    lines = followed({"web-1": log, "lb-1": other}, 2, *acts)
    assert lines == [("lb-1", "a"), ("web-1", "b")]
