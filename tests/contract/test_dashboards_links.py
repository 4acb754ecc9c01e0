"""Every link from and to a dashboard has a target."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from alertdrill.config.services import SERVICES
from alertdrill.runtimes.native.components import GRAFANA_ENVIRONMENT
from tests.contract.dashboards import Panel, dashboards, panels

if TYPE_CHECKING:
    from .conftest import Rule

DASHBOARDS = dashboards()
PANELS = panels()
BY_NAME = [pytest.param(panel, id=panel.name) for panel in PANELS]
RUNBOOK = re.compile(r"\$\{responder\}/runbooks/(.+)")
# In a link of a table: the alert's name in the row.
ROW = "${__value.raw}"


@pytest.fixture(scope="module")
def empty(root: Path) -> list[dict[str, str]]:
    entries: list[dict[str, str]] = yaml.safe_load(
        (root / "grafana/expected_empty.yml").read_text()
    )
    return entries


@pytest.fixture(scope="module")
def sources(root: Path) -> dict[str, dict[str, Any]]:
    text = (root / "grafana/provisioning/datasources/alertdrill.yml").read_text()
    return {source["uid"]: source for source in yaml.safe_load(text)["datasources"]}


def variables(uid: str) -> set[str]:
    return {item["name"] for item in DASHBOARDS[uid]["templating"]["list"]}


def urls(panel: Panel) -> list[str]:
    """Return the links of a panel and of its cells."""
    overrides = panel.fields["fieldConfig"].get("overrides") or []
    cells = [
        link["url"]
        for item in overrides
        for entry in item["properties"]
        if entry["id"] == "links"
        for link in entry["value"]
    ]
    return [*(link["url"] for link in panel.fields["links"]), *cells]


def has_target(url: str, root: Path) -> bool:
    """Return whether a link leads to an existing runbook, or to a dashboard with its variables."""
    runbook = RUNBOOK.fullmatch(url)
    if runbook:
        return runbook[1] == ROW or (root / f"alerting/runbooks/{runbook[1]}.md").is_file()
    link = urlsplit(url)
    uid = re.fullmatch(r"/d/([a-z]+)", link.path)
    parameters = {name.removeprefix("var-") for name in parse_qs(link.query)}
    return bool(uid and uid[1] in DASHBOARDS and parameters <= variables(uid[1]))


@pytest.mark.parametrize("panel", BY_NAME)
def test_panel_leads_to_runbooks(panel: Panel, root: Path) -> None:
    assert [url for url in urls(panel) if RUNBOOK.fullmatch(url)]
    assert [url for url in urls(panel) if not has_target(url, root)] == []


@pytest.mark.parametrize(
    "url",
    [
        "${responder}/runbooks/NothingDown",
        "/d/nothing",
        "/d/service?var-sevice=web",
        "http://127.0.0.1:8090/runbooks/Watchdog",
    ],
)
def test_broken_links_are_detected(url: str, root: Path) -> None:
    assert not has_target(url, root)


def runbook_link(rule: Rule) -> str:
    """Return the link to the runbook of an alert.

    An alert of one service alone, in the rule file of its name, has no link of its own: a panel
    that all services share would show it for others too. The tables of alerts have it in a row.
    """
    return f"${{responder}}/runbooks/{ROW if rule.file.stem in SERVICES else rule.alert}"


def test_every_alert_has_a_panel(rules: list[Rule]) -> None:
    linked = {url for panel in PANELS for url in urls(panel)}
    assert {
        rule.alert for rule in rules if rule.alert and runbook_link(rule) not in linked
    } == set()


def test_alert_leads_to_a_dashboard_that_takes_its_labels(alert: Rule) -> None:
    url = alert.fields["annotations"]["dashboard_url"]
    assert has_target(url.replace("{{ $externalLabels.grafana }}", ""), Path())


def test_dashboard_of_an_alert_has_a_panel_of_it(alert: Rule) -> None:
    uid = re.search(r"/d/([a-z]+)", alert.fields["annotations"]["dashboard_url"])
    assert uid
    shown = {url for panel in PANELS if panel.dashboard == uid[1] for url in urls(panel)}
    assert runbook_link(alert) in shown


def test_data_sources_are_provisioned(sources: dict[str, dict[str, Any]]) -> None:
    used = {
        target.fields["datasource"]["uid"]: target.fields["datasource"]["type"]
        for panel in PANELS
        for target in panel.targets
    }
    assert set(sources) == {"prometheus", "loki", "alertmanager"}
    assert used == {uid: sources[uid]["type"] for uid in used}


def test_exemplars_and_lines_lead_to_each_other(
    sources: dict[str, dict[str, Any]], root: Path
) -> None:
    exemplars = sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    fields = sources["loki"]["jsonData"]["derivedFields"]
    assert {entry["name"] for entry in exemplars} == {"trace_id"}
    assert {entry["matcherRegex"] for entry in fields} == {"trace_id", "service", "instance"}
    for entry in [*exemplars, *fields]:
        # `$$` is a dollar that provisioning leaves to Grafana.
        assert "$${__value.raw}" in entry["url"]
        assert has_target(entry["url"], root)


def test_dashboards_are_provisioned_and_not_edited(root: Path) -> None:
    text = (root / "grafana/provisioning/dashboards/alertdrill.yml").read_text()
    (provider,) = yaml.safe_load(text)["providers"]
    assert provider["allowUiUpdates"] is False
    assert provider["options"]["path"] == "${DASHBOARDS_DIR}"


def test_grafana_in_containers_has_the_same_settings(root: Path) -> None:
    compose = yaml.safe_load((root / "docker-compose.yml").read_text())
    environment = compose["services"]["grafana"]["environment"]
    assert {name: environment.get(name) for name in GRAFANA_ENVIRONMENT} == GRAFANA_ENVIRONMENT
    assert environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].endswith("/overview.json")
    mounted = [item.split(":")[1] for item in compose["services"]["grafana"]["volumes"]]
    assert environment["DASHBOARDS_DIR"] in mounted


def test_empty_panels_exist_and_have_a_reason(empty: list[dict[str, str]]) -> None:
    assert empty
    assert [entry for entry in empty if not is_named(entry)] == []


def is_named(entry: dict[str, str]) -> bool:
    """Return whether an entry names a panel, at most one of its queries, and a reason."""
    keys = {"dashboard", "panel", "reason"}
    refs = [
        target.fields["refId"]
        for panel in PANELS
        if (panel.dashboard, panel.title) == (entry.get("dashboard"), entry.get("panel"))
        for target in panel.targets
    ]
    named = entry.get("query", refs[0] if refs else None) in refs
    reason = re.fullmatch(r"[A-Z].{20,}\.", entry.get("reason", ""))
    return keys <= entry.keys() <= {*keys, "query"} and bool(refs) and named and bool(reason)


@pytest.mark.parametrize(
    "wrong",
    [
        {"panel": "Which alerts fire??"},
        {"dashboard": "overvew"},
        {"query": "Z"},
        {"reason": ""},
        {"why": "so"},
    ],
)
def test_wrong_entries_are_detected(empty: list[dict[str, str]], wrong: dict[str, str]) -> None:
    assert is_named(empty[0])
    assert not is_named({**empty[0], **wrong})
