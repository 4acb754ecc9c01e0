"""The checks of a service, on real instances of an application that keeps the contract or not."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from alertdrill.config import ROOT
from alertdrill.config.service import Limits, Service
from alertdrill.config.services import SERVICES
from alertdrill.runtimes.native.components import SERVERS
from alertdrill.runtimes.native.plan import Process
from alertdrill.service_check.checks import (
    ContractError,
    ServiceCheck,
    bounded_labels,
    drains,
    exact_counts,
    within_limits,
)
from alertdrill.service_check.instance import CheckedInstance

GOOD = """
from flask import Flask
from alertdrill_telemetry import init_app

def create_app():
    app = Flask(__name__)
    init_app(app, service="shop")
    app.secret_key = "a random key " + str(id(app))
    app.add_url_rule("/", view_func=lambda: "ok")
    return app
"""
# Its labels, its output, its errors and its key are wrong.
BAD = """
from flask import Flask, request
from prometheus_client import Counter
from alertdrill_telemetry import init_app

def create_app():
    app = Flask(__name__)
    init_app(app, service="shop")
    app.secret_key = "dev"
    paths = Counter("shop_paths", "Requests by path", ["path"])

    @app.before_request
    def count():
        paths.labels(request.path).inc()

    @app.errorhandler(404)
    def fail(_):
        return "broken", 500

    @app.get("/")
    def home():
        print("a request", flush=True)
        return "ok"

    return app
"""
NO_INIT = """
from flask import Flask

def create_app():
    return Flask(__name__)
"""


def declared(**keys: object) -> Service:
    return SERVICES["web"].model_copy(
        update={"name": "shop", "app": "shop:create_app()", "env": {}, **keys}
    )


def process(folder: Path, code: str) -> Process:
    """Return an instance of an application, as the native runtime starts it."""
    folder.mkdir(exist_ok=True)
    (folder / "shop.py").write_text(code)
    return Process(
        name="shop-1",
        command=(sys.executable, *SERVERS["granian"]),
        port=0,
        ready="",
        environment={
            "APP": "shop:create_app()",
            "SERVICE": "shop",
            "PYTHONPATH": str(ROOT / "telemetry"),
        },
        directory=folder,
    )


def check(folder: Path, code: str, service: Service | None = None) -> Mapping[str, str]:
    """Return what to fix, by the name of the check; the others have passed."""
    service = service or declared(path=str(folder))
    results = ServiceCheck(service, process(folder, code), folder, "/", 20).run()
    return {result.name: result.detail for result in results if not result.passed}


def test_good_service_passes_every_check(tmp_path: Path) -> None:
    assert check(tmp_path, GOOD) == {}


def test_bad_service_is_told_what_to_fix(tmp_path: Path) -> None:
    faults = check(tmp_path, BAD)
    assert faults.keys() == {
        *("no default secret", "error pages", "bounded labels"),
        *("JSON lines, one worker", "JSON lines, 2 workers"),
    }
    assert faults["no default secret"].startswith("SECRET_KEY has 3 characters")
    assert faults["error pages"] == "An unknown path is answered with 500: use 404."
    assert "100 different paths, queries and headers added " in faults["bounded labels"]
    assert faults["JSON lines, one worker"].startswith("'a request' is no JSON")


def test_application_without_the_library_does_not_start(tmp_path: Path) -> None:
    faults = check(tmp_path, NO_INIT)
    assert faults.keys() == {"start, one worker", "start, 2 workers"}
    assert "it ended with exit code 3" in faults["start, one worker"]
    assert "does not call alertdrill_telemetry.init_app" in faults["start, one worker"]


def test_secret_in_the_code_or_in_the_entry_is_found(tmp_path: Path) -> None:
    key = GOOD.replace('"a random key " + str(id(app))', '"0123456789abcdef"')
    service = declared(path=str(tmp_path))
    result = next(ServiceCheck(service, process(tmp_path, key), tmp_path, "/", 1).run())
    assert result.detail == "SECRET_KEY is in shop.py: use a secret."
    service = declared(path=str(tmp_path), env={"SHOP_PASSWORD": "hunter2"})
    result = next(ServiceCheck(service, process(tmp_path, GOOD), tmp_path, "/", 1).run())
    assert result.detail.startswith("SHOP_PASSWORD has its value in apps/services.yml")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AWS_SECRET_ACCESS_KEY", "abc"),
        ("PGPASSWORD", "hunter2"),
        ("DB_PASSWORD", "hunter2{{"),
        ("DATABASE_URL", "postgres://u:hunter2@db/x"),
    ],
)
def test_secret_in_a_variable_is_found(tmp_path: Path, variable: str, value: str) -> None:
    service = declared(path=str(tmp_path), env={variable: value})
    result = next(ServiceCheck(service, process(tmp_path, GOOD), tmp_path, "/", 1).run())
    assert result.detail.startswith(f"{variable} has its value in apps/services.yml")


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ('app.config["JWT_SECRET_KEY"] = "changeme"', "JWT_SECRET_KEY has 8 characters"),
        ("app.secret_key = 12345", "SECRET_KEY has 5 characters"),
        ('app.config.from_pyfile("settings.cfg")', "SECRET_KEY is in settings.cfg"),
        ('app.secret_key = __import__("os").environ["PYTHONPATH"]', "SECRET_KEY is the value of"),
    ],
)
def test_secret_among_the_settings_is_found(tmp_path: Path, setting: str, problem: str) -> None:
    (tmp_path / "settings.cfg").write_text('SECRET_KEY = "0123456789abcdef"\n')
    code = GOOD.replace("    return app\n", f"    {setting}\n    return app\n")
    service = declared(path=str(tmp_path))
    result = next(ServiceCheck(service, process(tmp_path, code), tmp_path, "/", 1).run())
    assert result.detail.startswith(problem)
    assert not (tmp_path / "settings.json").exists()


def test_own_operations_and_odd_files_are_no_fault(tmp_path: Path) -> None:
    own = '    app.add_url_rule("/healthz", "own", lambda: "mine")\n    return app\n'
    code = GOOD.replace("    return app\n", own) + "import atexit; atexit.register(print, 'bye')\n"
    (tmp_path / "x.py").symlink_to("gone")
    service = declared(path=str(tmp_path))
    result = next(ServiceCheck(service, process(tmp_path, code), tmp_path, "/", 1).run())
    assert result.passed, result.detail


def test_path_that_does_not_succeed_proves_nothing(tmp_path: Path) -> None:
    instance = CheckedInstance(process(tmp_path, GOOD), 1, tmp_path / "log", None)
    with instance.running():
        with pytest.raises(ContractError, match="5 of 5 requests for /gone were answered with 404"):
            exact_counts(instance, "/gone", 5)
        with pytest.raises(ContractError, match="requests during a stop were answered with 404"):
            drains(instance, "/gone", 25)


def test_errors_during_a_stop_are_found(tmp_path: Path) -> None:
    code = GOOD.replace(
        "    return app\n",
        "    drain = app.extensions['telemetry'].readiness\n"
        "    @app.before_request\n"
        "    def refuse():\n"
        "        if drain.reasons(): return 'stopping', 503\n"
        "    return app\n",
    )
    instance = CheckedInstance(process(tmp_path, code), 1, tmp_path / "log", None)
    with instance.running(), pytest.raises(ContractError, match="were answered with 503"):
        drains(instance, "/", 25)


@pytest.mark.parametrize("label", ["request.headers.get('User-Agent')", "request.query_string"])
def test_label_with_what_a_client_chooses_is_found(tmp_path: Path, label: str) -> None:
    code = BAD.replace("request.path)", f"str({label}))")
    instance = CheckedInstance(process(tmp_path, code), 1, tmp_path / "log", None)
    with instance.running(), pytest.raises(ContractError, match="queries and headers added"):
        bounded_labels(instance, "/")


def test_limits_and_time_to_stop_are_kept(tmp_path: Path) -> None:
    instance = CheckedInstance(process(tmp_path, GOOD), 1, tmp_path / "log", None)
    with instance.running():
        with pytest.raises(ContractError, match=r"It uses \d+ MiB, and limits has 1MiB"):
            within_limits(instance, declared(limits=Limits(memory=2**20, series=1000)))
        with pytest.raises(ContractError, match=r"It exposes \d+ series, and limits has 3"):
            within_limits(instance, declared(limits=Limits(memory=2**30, series=3)))
        with pytest.raises(ContractError, match=r"It did not end within 0\.6 s"):
            drains(instance, "/", 0.6)


def test_lost_requests_are_found(tmp_path: Path) -> None:
    instance = CheckedInstance(process(tmp_path, GOOD), 1, tmp_path / "log", None)
    with instance.running(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(instance, "request_stop", instance.kill)
        with pytest.raises(ContractError, match=r"\d+ requests were lost during a stop"):
            drains(instance, "/", 25)
