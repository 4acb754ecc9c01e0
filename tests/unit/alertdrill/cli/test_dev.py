"""`alertdrill dev` renews the services whose code changes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from alertdrill.cli import app, dev
from alertdrill.config.services import SERVICES
from tests.unit.alertdrill.declared_services import redeclare
from tests.unit.alertdrill.fake_runtime import FakeRuntime

CODE = ("apps/web/routes.py", "apps/data_service/routes.py", "telemetry/alertdrill_telemetry/a.py")
Edits = Sequence[Callable[[], object]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in CODE:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    return tmp_path


def watch(root: Path, edits: Edits, monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Return what is yielded if one edit happens at each poll, and then none."""
    steps = iter([*edits, *[wait] * 3])

    def sleep(_: float) -> None:
        try:
            next(steps)()
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr("time.sleep", sleep)
    renewed: list[Sequence[str]] = []
    with pytest.raises(KeyboardInterrupt):
        renewed.extend(dev.changes(root, dev.snapshot(root)))
    return renewed


def wait() -> None:
    """Edit nothing."""


def edit(path: Path) -> Callable[[], object]:
    """Return a function that writes a file, whose time of change is then another one."""

    def write() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.stat().st_mtime_ns if path.exists() else 0
        path.write_text("changed\n")
        os.utime(path, ns=(before + 1_000_000, before + 1_000_000))

    return write


@pytest.mark.parametrize(
    ("name", "services"),
    [
        ("apps/web/routes.py", ["web"]),
        ("apps/web/new.py", ["web"]),
        ("apps/data_service/routes.py", ["data-service"]),
        ("telemetry/alertdrill_telemetry/a.py", list(SERVICES)),
    ],
)
def test_edit_renews_the_services_that_run_the_file(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: str, services: list[str]
) -> None:
    assert watch(root, [edit(root / name)], monkeypatch) == [services]


def test_application_outside_is_watched(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    redeclare(monkeypatch, "web", path="../blog", app="blog:create_app()")
    (root / "repository/telemetry").mkdir(parents=True)
    edits = [edit(tmp_path / "blog/blog/templates/index.html")]
    assert watch(root / "repository", edits, monkeypatch) == [["web"]]


def test_removed_file_is_an_edit(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert watch(root, [(root / CODE[0]).unlink], monkeypatch) == [["web"]]


def test_edits_at_one_time_renew_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edits = [edit(root / name) for name in CODE[:2]]
    assert watch(root, edits, monkeypatch) == [["web", "data-service"]]


@pytest.mark.parametrize(
    "name",
    [
        "apps/web/__pycache__/routes.pyc",
        "apps/web/.routes.py.swp",
        "apps/web/.git/index",
        "apps/web/.venv/lib/python/site.py",
        "apps/web/blog/__pycache__/a.pyc",
    ],
)
def test_files_that_no_service_runs_are_ignored(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert watch(root, [edit(root / name)], monkeypatch) == []


def test_file_that_disappears_does_not_end_the_watch(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = root / "apps/web/4913"
    temporary.touch()
    is_file = Path.is_file

    def remove(path: Path) -> bool:
        exists = is_file(path)
        if path == temporary:
            path.unlink(missing_ok=True)
        return exists

    monkeypatch.setattr(Path, "is_file", remove)
    assert temporary not in dev.snapshot(root)["web"]


def test_edit_while_the_stack_starts_is_renewed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = FakeRuntime()
    steps = iter([wait] * 3)

    def sleep(_: float) -> None:
        if next(steps, None) is None:
            raise KeyboardInterrupt

    def on_call(method: str, *_: object) -> None:
        if method == "up":
            edit(root / CODE[0])()

    runtime.on_call = on_call
    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr(dev, "ROOT", root)
    monkeypatch.setattr(dev, "select_stack_runtime", lambda *_: runtime)
    assert CliRunner().invoke(app.main, ["dev"]).exit_code == 0
    assert runtime.calls == [("up",), ("renew", "web")]


def test_failed_renewal_does_not_end_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = FakeRuntime()
    runtime.refuses = {"renew"}

    def changes(*_: object) -> Iterator[Sequence[str]]:
        yield ["web"]
        yield ["data-service"]
        raise KeyboardInterrupt

    monkeypatch.setattr(dev, "select_stack_runtime", lambda *_: runtime)
    monkeypatch.setattr(dev, "changes", changes)
    result = CliRunner().invoke(app.main, ["dev"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert [call for call in runtime.calls if call[0] == "renew"] == [
        ("renew", "web"),
        ("renew", "data-service"),
    ]
    assert "web is not renewed: No renew today." in result.stderr
    assert "the stack keeps running" in result.stderr


@pytest.mark.parametrize(
    ("named", "renewed"), [([], ["web", "data-service"]), (["web"], ["web"])], ids=["all", "one"]
)
def test_only_the_named_services_are_renewed(
    monkeypatch: pytest.MonkeyPatch, named: list[str], renewed: list[str]
) -> None:
    runtime = FakeRuntime()

    def changes(*_: object) -> Iterator[Sequence[str]]:
        yield ["web", "data-service"]
        raise KeyboardInterrupt

    monkeypatch.setattr(dev, "select_stack_runtime", lambda *_: runtime)
    monkeypatch.setattr(dev, "changes", changes)
    assert CliRunner().invoke(app.main, ["dev", *named]).exit_code == 0
    assert runtime.calls == [("up",), *(("renew", service) for service in renewed)]


def test_unknown_service_is_refused_before_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = FakeRuntime()
    monkeypatch.setattr(dev, "select_stack_runtime", lambda *_: runtime)
    result = CliRunner().invoke(app.main, ["dev", "lb"])
    assert result.exit_code == 1
    assert "no service named 'lb'" in result.stderr
    assert runtime.calls == []
