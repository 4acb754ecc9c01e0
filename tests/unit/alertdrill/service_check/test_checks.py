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
from alertdrill.service_check.checks import ContractError, ServiceCheck, drains, within_limits
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
    assert "100 different paths added " in faults["bounded labels"]
    assert faults["JSON lines, one worker"].startswith("'a request' is no JSON")


def test_application_without_the_library_does_not_start(tmp_path: Path) -> None:
    faults = check(tmp_path, NO_INIT)
    assert faults.keys() == {"start, one worker", "start, 2 workers"}
    assert "it ended with exit code 3" in faults["start, one worker"]
    assert "does not call alertdrill_telemetry.init_app" in faults["start, one worker"]


def test_secret_in_the_code_or_in_the_entry_is_found(tmp_path: Path) -> None:
    key = GOOD.replace('"a random key " + str(id(app))', '"0123456789abcdef"')
    service = declared(path=str(tmp_path))
    (result, *_) = ServiceCheck(service, process(tmp_path, key), tmp_path, "/", 1).run()
    assert result.detail == "SECRET_KEY is written in shop.py: read it from a secret."
    service = declared(path=str(tmp_path), env={"SHOP_PASSWORD": "hunter2"})
    (result, *_) = ServiceCheck(service, process(tmp_path, GOOD), tmp_path, "/", 1).run()
    assert result.detail.startswith("SHOP_PASSWORD has its value in apps/services.yml")


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
