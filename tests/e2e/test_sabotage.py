"""A chain with one broken link fails its drill, with a sentence that names the link."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from alertdrill.config import ROOT
from tests.e2e.stack import native_only, poll_until, processes_of

pytestmark = [pytest.mark.stack, native_only]
PARTS = (
    "alerting",
    "apps",
    "deploy",
    "drills",
    "alertdrill",
    "lb",
    "loadtests",
    "loki",
    "prometheus",
)


@dataclass
class Copy:
    """A copy of the project that a test may break, with a home of its own."""

    root: Path
    home: Path

    def break_file(self, name: str, before: str, after: str) -> None:
        file = self.root / name
        text = file.read_text()
        assert before in text, f"{name} has changed: adapt the sabotage"
        changed = text.replace(before, after)
        if file.suffix == ".py":
            compile(changed, name, "exec")  # else the program does not start
        file.write_text(changed)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.endswith("_PORT")}
        return subprocess.Popen(
            [sys.executable, "-m", "alertdrill", *arguments],
            cwd=self.root,
            env={**kept, "ALERTDRILL_HOME": str(self.home), "RUNTIME": "native", "COLUMNS": "400"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def drill(self, alert: str) -> tuple[int, str]:
        """Run one drill; return its exit code and its output."""
        process = self.start("drill", "run", alert)
        output, _ = process.communicate(timeout=180)
        assert not self.left(), "the run left processes behind"
        return process.returncode, output

    def left(self) -> list[str]:
        return list(processes_of(self.home / "ephemeral" / "native"))

    @property
    def undo_log(self) -> Path:
        return self.home / "drills" / "current.json"


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    root = tmp_path / "copy"
    root.mkdir()
    for part in PARTS:
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "docker-compose.yml", root)
    return Copy(root, tmp_path / "home")


def unload_the_rule(copy: Copy) -> None:
    copy.break_file("prometheus/prometheus.yml", "  - rules/*.yml", "  - rules/pipeline.yml")


def break_the_route(copy: Copy) -> None:
    name = "alerting/alertmanager.yml"
    lost = "    - matchers: [alertname = InstanceDown]\n      receiver: dropped\n"
    copy.break_file(name, "  routes:\n", f"  routes:\n{lost}")
    copy.break_file(name, "receivers:\n", "receivers:\n  - name: dropped\n")


def silence_the_responder(copy: Copy) -> None:
    indent = " " * 12
    lost = (
        f'{indent}if notification.alerts[0].name != "Watchdog":\n{indent}    return {{"id": 0}}\n'
    )
    line = f"{indent}notification_id, duplicate = state.notifications.record"
    copy.break_file("alerting/responder/api.py", line, lost + line)


def make_the_fault_do_nothing(copy: Copy) -> None:
    copy.break_file(
        "alertdrill/runtimes/native/runtime.py",
        "self.supervisor.stop(*_names(self._desired_targets(target))",
        "(lambda *_, **__: None)(*_names(self._desired_targets(target))",
    )


def inhibit_it(copy: Copy) -> None:
    rule = (
        "  - source_matchers: [alertname = Watchdog]\n"
        "    target_matchers: [alertname = InstanceDown]\n"
    )
    copy.break_file("alerting/alertmanager.yml", "inhibit_rules:\n", f"inhibit_rules:\n{rule}")


SABOTAGES = [
    (unload_the_rule, "Prometheus has no such rule"),
    (break_the_route, "Alertmanager routes it to dropped, not to the responder"),
    (silence_the_responder, "for the responder, which did not store it"),
    (make_the_fault_do_nothing, "the fault has no effect, or the rule is wrong"),
    (inhibit_it, "another alert inhibits it"),
]


@pytest.mark.parametrize(("sabotage", "sentence"), SABOTAGES)
def test_sabotage_fails_and_is_named(
    copy: Copy, sabotage: Callable[[Copy], None], sentence: str
) -> None:
    sabotage(copy)
    code, output = copy.drill("InstanceDown")
    assert code == 1, output
    assert "failed" in output, output
    assert sentence in output, output


def test_deleted_rule_is_refused_before_the_start(copy: Copy) -> None:
    file = copy.root / "prometheus/rules/availability.yml"
    file.write_text(re.sub(r"- alert: InstanceDown\n", "- alert: Renamed\n", file.read_text()))
    code, output = copy.drill("InstanceDown")
    assert code == 1
    assert "drills/InstanceDown.yml:1: no alert 'InstanceDown' in prometheus/rules" in output
    assert not (copy.home / "ephemeral").exists()


def test_killed_run_is_undone_and_reported(copy: Copy) -> None:
    process = copy.start("drill", "run", "InstanceHung")
    poll_until(lambda: _current_alert(copy.undo_log) == "InstanceHung", "the fault to be on", 90)
    load = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    poll_until(lambda: not copy.left(), "the guard to stop the stack", 60)
    poll_until(lambda: json.loads(copy.undo_log.read_text())["undone"], "the guard's record", 10)
    poll_until(lambda: not any(map(psutil.pid_exists, load)), "the load to be gone", 10)
    code, output = copy.drill("InstanceDown")
    assert "was killed during InstanceHung; its rollback guard has undone its fault." in output
    assert code == 0, output
    assert not copy.undo_log.exists()


def _current_alert(undo_log: Path) -> str:
    try:
        return str(json.loads(undo_log.read_text())["alert"])
    except (OSError, ValueError):
        return ""
