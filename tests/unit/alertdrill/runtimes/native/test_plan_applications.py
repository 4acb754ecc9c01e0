"""How the instances of an application of its own folder run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from alertdrill.config import ROOT
from alertdrill.config.services import SERVICES
from alertdrill.runtimes.native import environments
from alertdrill.runtimes.native.layout import Layout
from alertdrill.runtimes.native.plan import Plan
from tests.unit.alertdrill.declared_services import redeclare

PlanWith = Callable[..., Plan]


def test_application_runs_in_its_folder_with_its_python(
    plan_with: PlanWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {"path": "../blog", "app": "blog:create_app()", "requirements": "requirements.txt"}
    redeclare(monkeypatch, "web", **keys, threads=3)
    blog, other = (plan_with().of(f"{name}-1")[0] for name in ("web", "data-service"))
    assert blog.directory == (ROOT / "../blog").resolve()
    assert blog.command[0] == str(environments.python(SERVICES["web"])) != sys.executable
    assert blog.command[1:] == other.command[1:]
    assert (blog.environment["APP"], blog.environment["THREADS"]) == ("blog:create_app()", "3")
    # Its own Python finds the library here.
    assert (Path(blog.environment["PYTHONPATH"]) / "alertdrill_telemetry").is_dir()
    assert (other.directory, other.command[0]) == (ROOT, sys.executable)
    assert other.environment["THREADS"] == "8"


def test_application_without_requirements_has_our_python(
    plan_with: PlanWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    redeclare(monkeypatch, "web", path="../blog", app="blog:create_app()")
    blog = plan_with().of("web-1")[0]
    assert (blog.directory.name, blog.command[0]) == ("blog", sys.executable)


def test_own_variables_have_the_paths_of_volumes_and_secrets(
    plan_with: PlanWith, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    redeclare(
        monkeypatch,
        "web",
        env={"DB": "sqlite:///{data}/b.sqlite", "KEY": "{key}", "MAIL": "{mail}", "GREETING": "hi"},
        volumes=["data"],
        secrets={"key": "generated", "mail": "provided"},
    )
    plan = plan_with()
    environments = [process.environment for process in plan.of("web")]
    names = ("DB", "KEY", "MAIL")
    own = [{name: values[name] for name in names} for values in environments]
    # All instances of a service share its files.
    assert own == [own[0]] * len(own)
    assert own[0] == {
        "DB": f"sqlite:///{layout.data}/services/web/data/b.sqlite",
        "KEY": f"{layout.home}/secrets/web/key",
        "MAIL": f"{ROOT}/secrets/web/mail",
    }
    assert environments[0]["GREETING"] == "hi"
    assert not {"DB", "GREETING"} & plan.of("data-service-1")[0].environment.keys()
