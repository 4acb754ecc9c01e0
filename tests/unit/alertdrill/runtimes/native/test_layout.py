import os
import socket
from pathlib import Path

import pytest

from alertdrill.runtimes.native.layout import MAX_SOCKET_PATH, HomeError, Layout


def deep(folder: Path, name: str = "deep") -> Layout:
    return Layout(folder / "/".join([name] * 20) / "native")


def test_sockets_are_inside_the_home() -> None:
    assert Layout(Path("/h/native")).lb_socket == Path("/h/native/run/lb.sock")


@pytest.mark.parametrize("name", ["deep", "tief-über-allem"])
def test_long_home_has_short_socket_paths(tmp_path: Path, name: str) -> None:
    layout = deep(tmp_path, name)
    for path in (layout.supervisor_socket, layout.lb_socket):
        assert len(os.fsencode(path)) <= MAX_SOCKET_PATH
    layout.make()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(layout.supervisor_socket))


def test_path_length_is_in_bytes(short: Path) -> None:
    inside = Layout(Path("/" + "h" * 60))
    assert inside.sockets == inside.home / "run"
    assert Layout(Path("/" + "ü" * 60)).sockets.parent == short


def test_comma_in_the_home_moves_the_sockets(short: Path) -> None:
    assert Layout(Path("/a, b")).lb_socket.parent.parent == short


def test_long_homes_have_their_own_sockets(tmp_path: Path) -> None:
    assert deep(tmp_path / "a").sockets != deep(tmp_path / "b").sockets
    assert deep(tmp_path / "a").sockets == deep(tmp_path / "a").sockets


def test_sockets_do_not_follow_tmpdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = deep(tmp_path).sockets
    monkeypatch.setenv("TMPDIR", str(tmp_path / "mine"))
    assert deep(tmp_path).sockets == before


def test_folders_are_closed_to_others(tmp_path: Path) -> None:
    layout = deep(tmp_path)
    layout.make()
    layout.make()  # twice is harmless
    for folder in (layout.home, layout.logs, layout.etc, layout.data, layout.sockets):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_socket_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = deep(tmp_path)
    layout.make()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(HomeError, match="belongs to another user: set ALERTDRILL_HOME"):
        layout.make()


def test_unusable_home_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HomeError, match=r"can't be created .*: set ALERTDRILL_HOME"):
        Layout(tmp_path / "file" / "native").make()
