import json
from pathlib import Path

import pytest
import yaml

from alertdrill.runtimes.compose import prepare
from alertdrill.runtimes.compose.prepare import Site
from alertdrill.settings import ROOT, SERVICES


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site.from_env({})
    return Site(made.project, made.speed, made.replicas, tmp_path)


def targets(site: Site, job: str) -> dict[str, str]:
    listed = json.loads((site.etc / f"prometheus/targets/{job}.json").read_text())
    return {target["labels"]["instance"]: target["targets"][0] for target in listed}


def test_nothing_said_means_the_defaults() -> None:
    made = Site.from_env({})
    assert (made.project, made.speed) == ("alertdrill", 1.0)
    assert (made.replicas["web"], made.replicas["keeper"], made.replicas["lb"]) == (2, 2, 1)


def test_configurations_are_the_committed(site: Site) -> None:
    for name, source in prepare.COMMITTED.items():
        prepare.lay(site, name)
        if (ROOT / source).is_file() and not name.startswith("prometheus/scrape.d/"):
            assert (site.etc / name).read_text() == (ROOT / source).read_text()


def test_another_project_has_its_own_names(site: Site) -> None:
    mine = Site("mine", 1.0, site.replicas, site.etc)
    prepare.lay(mine, "prometheus/scrape.d/compose.yml")
    text = (site.etc / "prometheus/scrape.d/compose.yml").read_text()
    assert "mine-web-1" in text
    assert "alertdrill-" not in text


def test_speed_divides_what_is_waited(site: Site) -> None:
    fast = Site("alertdrill", 10.0, site.replicas, site.etc)
    prepare.lay(fast, "prometheus/prometheus.yml")
    found = yaml.safe_load((site.etc / "prometheus/prometheus.yml").read_text())
    assert found["global"]["scrape_interval"] == "500ms"


def test_lokis_rules_are_divided_as_logql(site: Site) -> None:
    prepare.lay(Site("alertdrill", 10.0, site.replicas, site.etc), "loki/rules/fake")
    text = (site.etc / "loki/rules/fake/lines.yml").read_text()
    assert "[6s]" in text
    assert "[1m]" not in text


def test_rules_that_are_gone_go(site: Site) -> None:
    old = site.etc / "prometheus/rules/old.yml"
    old.parent.mkdir(parents=True)
    old.write_text("groups: []\n")
    prepare.lay(site, "prometheus/rules")
    assert not old.exists()
    assert (old.parent / "slo.yml").exists()


def test_targets_are_named_after_containers(site: Site) -> None:
    prepare.write_targets(site)
    found = targets(site, "services")
    assert found.pop("responder-1") == "responder-on-telemetry:8090"
    assert found == {
        f"{name}-{number}": f"alertdrill-{name}-{number}:{service.port}"
        for name, service in SERVICES.items()
        for number in (1, 2)
    }
    assert targets(site, "stack")["collector-1"] == "alertdrill-collector-1:8888"
    assert not {"keeper-1", "control-1"} & set(targets(site, "stack"))


def test_part_left_out_is_not_missed(site: Site) -> None:
    without = Site.from_env({"GRAFANA_REPLICAS": "0", "WEB_INSTANCES": "3"})
    prepare.write_targets(Site("alertdrill", 1.0, without.replicas, site.etc))
    assert "grafana-1" not in targets(site, "stack")
    assert "web-3" in targets(site, "services")


def test_unlisted_service_is_forgotten(site: Site) -> None:
    prepare.write_targets(site, without=["node-exporter"])
    assert "node-exporter-1" not in targets(site, "stack")


def test_secret_is_made_once(tmp_path: Path) -> None:
    file = tmp_path / "secret" / "token"
    prepare.write_secret(file)
    first = file.read_text()
    prepare.write_secret(file)
    assert file.read_text() == first
    assert len(first) >= 43
    assert file.stat().st_mode & 0o777 == 0o444


def test_empty_secret_is_made_again(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch()
    prepare.write_secret(file)
    assert file.read_text()


def test_given_secret_replaces_the_old(tmp_path: Path) -> None:
    file = tmp_path / "password"
    prepare.write_secret(file)
    prepare.write_secret(file, "chosen")
    assert file.read_text() == "chosen"
