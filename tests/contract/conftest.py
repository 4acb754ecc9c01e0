"""The rules of Prometheus and Loki, which several of these tests read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
OF_PROMETHEUS = ROOT / "prometheus" / "rules"
OF_LOKI = ROOT / "loki" / "rules"


@dataclass(frozen=True)
class Rule:
    """A rule of Prometheus or Loki: its fields, and its YAML node."""

    file: Path
    fields: dict[str, Any]
    node: yaml.MappingNode

    @property
    def alert(self) -> str:
        return str(self.fields.get("alert", ""))

    @property
    def record(self) -> str:
        return str(self.fields.get("record", ""))

    @property
    def of_loki(self) -> bool:
        return self.file.parent == OF_LOKI


def rules() -> list[Rule]:
    """Return every rule of Prometheus and of Loki."""
    folders = (OF_PROMETHEUS, OF_LOKI)
    return [
        rule for folder in folders for file in sorted(folder.glob("*.yml")) for rule in _read(file)
    ]


def _read(file: Path) -> list[Rule]:
    text = file.read_text()
    values = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    groups = _value(yaml.compose(text, Loader=yaml.SafeLoader), "groups")
    nodes = [node for group in groups.value for node in _value(group, "rules").value]
    return [Rule(file, value, node) for value, node in zip(values, nodes, strict=True)]


def _value(mapping: Any, key: str) -> Any:
    return next(value for name, value in mapping.value if name.value == key)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `alert` once for each alert."""
    if "alert" in metafunc.fixturenames:
        alerts = [rule for rule in rules() if rule.alert]
        assert alerts, "there are no alerts"
        metafunc.parametrize("alert", alerts, ids=[rule.alert for rule in alerts])


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session", name="rules")
def all_rules() -> list[Rule]:
    return rules()
