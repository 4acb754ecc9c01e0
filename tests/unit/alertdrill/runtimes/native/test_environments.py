"""The Python of a service, with or without requirements of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from alertdrill import bootstrap
from alertdrill.config import ROOT
from alertdrill.config.service import Service
from alertdrill.config.services import SERVICES
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.native import environments

Prepared = list[tuple[Path, Sequence[Path], Path, Sequence[str]]]


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """Return what is installed: the folder, our requirements, its own, and the constraints."""
    calls: Prepared = []
    monkeypatch.setattr(bootstrap, "prepare_application", lambda *call: calls.append(call[:4]))
    return calls


def application(name: str) -> Service:
    keys = {"path": "../blog", "app": "blog:create_app()", "requirements": "deploy/r.txt"}
    return SERVICES["web"].model_copy(update={**keys, "name": name})


def test_service_without_requirements_runs_with_our_python(prepared: Prepared) -> None:
    environments.prepare(SERVICES["web"], lambda _: None)
    assert prepared == []
    assert environments.python(SERVICES["web"]) == Path(sys.executable)


def test_requirements_are_installed_for_the_python_that_runs_the_service(
    prepared: Prepared,
) -> None:
    environments.prepare(application("blog"), lambda _: None)
    [(folder, shared, own, _)] = prepared
    assert environments.python(application("blog")) == folder / "bin" / "python"
    assert own == (ROOT / "../blog").resolve() / "deploy/r.txt"
    assert "granian" in "".join(file.read_text() for file in shared)


def test_requirements_can_not_replace_what_the_library_needs(prepared: Prepared) -> None:
    environments.prepare(application("blog"), lambda _: None)
    [(_, _, _, constraints)] = prepared
    assert any(line.lower().startswith("flask") for line in constraints)


def test_services_with_the_same_requirements_share_an_environment(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/r.txt").write_text("flask-login\n")
    moved = application("c").model_copy(update={"path": str(tmp_path)})
    assert environments.python(application("a")) == environments.python(application("b"))
    assert environments.python(application("a")) != environments.python(moved)


def test_gevent_must_be_among_the_requirements(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "python", lambda _: Path("/bin/false"))
    service = application("blog").model_copy(update={"server": "gevent"})
    with pytest.raises(AlertdrillError, match=r"add it to \.\./blog/deploy/r\.txt"):
        environments.prepare(service, lambda _: None)
