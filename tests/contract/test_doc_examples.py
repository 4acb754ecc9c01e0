"""The examples of the how-to pages are valid."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from alertdrill.drills.loader import load_drill
from alertdrill.load.profile import load_profiles
from alerting.responder.healing.policy import load_policy
from tests.contract.promql_labels import SCRAPED, Labels

ROOT = Path(__file__).resolve().parents[2]


def example(page: str, begin: str) -> str:
    """Return the YAML block of a how-to page that begins with a line."""
    text = (ROOT / "docs/how-to" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (block,) = [block for block in blocks if block.strip().startswith(begin)]
    return str(block)


def test_drill_is_valid(tmp_path: Path) -> None:
    file = tmp_path / "DataServiceErrors.yml"
    file.write_text(example("write-a-drill.md", "alert:"))
    assert load_drill(file).alert == "DataServiceErrors"


def test_load_profile_is_valid(tmp_path: Path) -> None:
    file = tmp_path / "profiles.yml"
    file.write_text(example("run-a-load.md", "orders:").replace("service: orders", "service: web"))
    assert [request.method for request in load_profiles(file)["orders"].requests] == ["GET", "POST"]


def test_keys_of_a_drill_are_described() -> None:
    page = (ROOT / "docs/how-to/write-a-drill.md").read_text(encoding="utf-8")
    described = {name.partition(".")[0] for name in re.findall(r"^\| `([\w.]+)` \|", page, re.M)}
    used = {key for file in ROOT.glob("drills/*.yml") for key in yaml.safe_load(file.read_text())}
    assert used - described == set()


def test_policy_is_valid(tmp_path: Path) -> None:
    policy: dict[str, Any] = yaml.safe_load((ROOT / "alerting/policy.yml").read_text())
    changes = yaml.safe_load(example("control-healing.md", "limits:"))
    for section in ("limits", "alerts"):
        policy[section] |= changes[section]
    file = tmp_path / "policy.yml"
    file.write_text(yaml.safe_dump({**policy, "exclusions": changes["exclusions"]}))
    assert load_policy(file).alerts["InstanceDown"][0].action == "restart"


def test_keys_of_the_policy_are_described() -> None:
    page = (ROOT / "docs/how-to/control-healing.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `(\w+)` \|", page, re.M)) | {"labels"}
    policy = yaml.safe_load((ROOT / "alerting/policy.yml").read_text())
    entries = [entry for value in policy["alerts"].values() for entry in _entries(value)]
    assert {key for entry in entries for key in entry} - described == set()


def _entries(value: Any) -> list[dict[str, Any]]:
    return value if isinstance(value, list) else [value]


def test_every_limit_is_explained() -> None:
    page = (ROOT / "docs/explanation/healing.md").read_text(encoding="utf-8")
    policy = yaml.safe_load((ROOT / "alerting/policy.yml").read_text())
    assert [name for name in policy["limits"] if f"`limits.{name}`" not in page] == []


def test_queries_of_the_library_are_of_known_series() -> None:
    readme = (ROOT / "telemetry/README.md").read_text(encoding="utf-8").partition("| PromQL |")[2]
    exposed = yaml.safe_load((ROOT / "tests/contract/exposed_metrics.yml").read_text())
    labels = Labels({name: of for part in exposed.values() for name, of in part.items()})
    queries = re.findall(r"^\| .+ \| `(.+)` \|$", readme, re.M)
    assert [labels.of(query) for query in queries] == [{"status"}, set(), {"url_rule"}, SCRAPED]
