import threading
from pathlib import Path

import pytest

from alertdrill.file_lock import LockedError, file_lock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "lock"


def test_second_holder_is_refused_until_the_first_ends(file: Path) -> None:
    with file_lock(file), pytest.raises(LockedError, match=r"^Wait for it\.$"):
        file_lock(file, "Wait for it.").__enter__()
    with file_lock(file):
        pass


def test_lock_is_released_after_an_error(file: Path) -> None:
    with pytest.raises(KeyError), file_lock(file):
        raise KeyError
    with file_lock(file):
        pass


def test_lock_is_awaited_and_the_wait_reported_once(file: Path) -> None:
    waits: list[str] = []
    first = file_lock(file)
    first.__enter__()
    end = threading.Timer(0.3, first.__exit__, (None, None, None))
    end.start()
    with file_lock(file, timeout=10, on_wait=lambda: waits.append("waits")):
        assert waits == ["waits"]
    end.join()


def test_wait_has_a_limit(file: Path) -> None:
    with file_lock(file), pytest.raises(LockedError):
        file_lock(file, timeout=0.2).__enter__()


def test_lock_of_another_user_may_be_read_only(file: Path) -> None:
    file.parent.mkdir()
    file.touch(mode=0o444)
    with file_lock(file):
        pass
