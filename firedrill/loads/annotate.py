"""Leave a note in Grafana, where it runs, of when a load was there and how it went."""

from __future__ import annotations

import requests

from ..runtimes import Runtime
from ..runtimes.compose.hands import Hands as ComposeHands
from ..runtimes.native.hands import Hands as NativeHands
from ..settings import StackSettings
from .errors import LoadError
from .report import Report

MS = 1000
# Grafana answers within some milliseconds; a note is not worth a longer wait.
TIMEOUT = 5.0
USER = "admin"
# Where the container of Grafana has its password.
INSIDE = "/run/secrets/grafana/password"


def annotate(settings: StackSettings, runtime: Runtime, report: Report) -> bool:
    """Leave the note and return True; without a Grafana that runs, return False.

    Raises `LoadError`, or the engine's error, where Grafana does not take it.
    """
    if not any(one.service == "grafana" and one.pid for one in runtime.status()):
        return False
    send(runtime.address("grafana"), _password(settings, runtime), report)
    return True


def _password(settings: StackSettings, runtime: Runtime) -> str:
    if runtime.name == "native":
        return NativeHands(settings).grafana_password()
    compose = ComposeHands(settings).compose
    return compose.run("exec", "--no-TTY", "grafana", "cat", INSIDE).strip()


def send(grafana: str, password: str, report: Report) -> None:
    """Send the note; raise `LoadError` where Grafana does not take it."""
    note = {
        "time": round(report.began * MS),
        "timeEnd": round(report.ended * MS),
        "tags": ["firedrill", "load", report.plan.name],
        "text": words(report),
    }
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy of the host for the loopback
            session.auth = (USER, password)
            answer = session.post(f"{grafana}/api/annotations", json=note, timeout=TIMEOUT)
            answer.raise_for_status()
    except requests.RequestException as error:
        raise LoadError(f"Grafana took no note of the load ({error}).") from error


def words(report: Report) -> str:
    """Return what the note says."""
    missed = [check.what for check in report.checks if not check.passed]
    verdict = f"missed: {', '.join(missed)}" if missed else "passed"
    return f"Load {report.plan.name}, {report.users} clients at most: {verdict}."
