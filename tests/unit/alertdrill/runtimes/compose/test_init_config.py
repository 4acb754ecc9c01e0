import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from alertdrill.config import ROOT, compose_services
from alertdrill.config.services import SERVICES
from alertdrill.runtimes.compose import init_config
from alertdrill.runtimes.compose.init_config import RenderContext

ORDERS = SERVICES["data-service"].model_copy(update={"name": "orders", "port": 5003})


@pytest.fixture
def context(tmp_path: Path) -> RenderContext:
    context = RenderContext.from_env({})
    return RenderContext(context.project, context.speed, context.replicas, tmp_path)


def targets(context: RenderContext, job: str) -> dict[str, str]:
    listed = json.loads((context.etc / f"prometheus/targets/{job}.json").read_text())
    return {target["labels"]["instance"]: target["targets"][0] for target in listed}


def test_empty_environment_means_the_defaults() -> None:
    context = RenderContext.from_env({})
    assert (context.project, context.speed) == ("alertdrill", 1.0)
    assert (context.replicas["web"], context.replicas["control"], context.replicas["lb"]) == (
        2,
        2,
        1,
    )


def test_configurations_equal_the_committed_files(context: RenderContext) -> None:
    for name, source in init_config.SOURCES.items():
        init_config.install(context, name)
        if (ROOT / source).is_file() and not name.startswith("prometheus/scrape.d/"):
            assert (context.etc / name).read_text() == (ROOT / source).read_text()


def test_other_project_has_its_own_names(context: RenderContext) -> None:
    mine = RenderContext("mine", 1.0, context.replicas, context.etc)
    init_config.install(mine, "prometheus/scrape.d/compose.yml")
    text = (context.etc / "prometheus/scrape.d/compose.yml").read_text()
    assert "mine-web-1" in text
    assert "alertdrill-" not in text


def test_speed_divides_durations(context: RenderContext) -> None:
    fast = RenderContext("alertdrill", 10.0, context.replicas, context.etc)
    init_config.install(fast, "prometheus/prometheus.yml")
    config = yaml.safe_load((context.etc / "prometheus/prometheus.yml").read_text())
    assert config["global"]["scrape_interval"] == "500ms"


def test_loki_rules_are_divided(context: RenderContext) -> None:
    init_config.install(
        RenderContext("alertdrill", 10.0, context.replicas, context.etc), "loki/rules/fake"
    )
    text = (context.etc / "loki/rules/fake/lines.yml").read_text()
    assert "[6s]" in text
    assert "[1m]" not in text


def test_removed_rules_are_deleted(context: RenderContext) -> None:
    old = context.etc / "prometheus/rules/old.yml"
    old.parent.mkdir(parents=True)
    old.write_text("groups: []\n")
    init_config.install(context, "prometheus/rules")
    assert not old.exists()
    assert (old.parent / "slo.yml").exists()


def test_targets_are_named_after_containers(context: RenderContext) -> None:
    init_config.write_targets(context)
    services = targets(context, "services")
    assert services.pop("responder-1") == "responder-on-telemetry:8140"
    assert services == {
        f"{name}-{number}": f"alertdrill-{name}-{number}:{service.port + 50}"
        for name, service in SERVICES.items()
        for number in (1, 2)
    }
    assert targets(context, "stack")["collector-1"] == "alertdrill-collector-1:8888"
    assert targets(context, "stack")["control-2"] == "alertdrill-control-2.alertdrill_healing:8141"


def test_proxy_is_scraped_through_the_control_api(context: RenderContext) -> None:
    init_config.write_targets(context)
    listed = json.loads((context.etc / "prometheus/targets/stack.json").read_text())
    [proxy] = [entry for entry in listed if entry["labels"]["instance"] == "docker-proxy-2"]
    assert proxy["targets"] == ["control-on-healing:8141"]
    assert proxy["labels"]["__metrics_path__"] == "/proxies/docker-proxy-2/metrics"


def test_disabled_component_has_no_target(context: RenderContext) -> None:
    without = RenderContext.from_env({"GRAFANA_REPLICAS": "0", "SCALE": '{"web": 3}'})
    init_config.write_targets(RenderContext("alertdrill", 1.0, without.replicas, context.etc))
    assert "grafana-1" not in targets(context, "stack")
    assert "web-3" in targets(context, "services")


def test_dropped_service_has_no_targets(context: RenderContext) -> None:
    init_config.write_targets(context, without=["node-exporter"])
    assert "node-exporter-1" not in targets(context, "stack")


def test_secret_is_generated_once(tmp_path: Path) -> None:
    file = tmp_path / "secret" / "token"
    init_config.write_secret(file)
    first = file.read_text()
    init_config.write_secret(file)
    assert file.read_text() == first
    assert len(first) >= 43
    assert file.stat().st_mode & 0o777 == 0o444


def test_empty_secret_is_generated_again(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch()
    init_config.write_secret(file)
    assert file.read_text()


def test_configured_secret_replaces_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "password"
    init_config.write_secret(file)
    init_config.write_secret(file, "chosen")
    assert file.read_text() == "chosen"


def test_secrets_of_a_service_are_generated_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose_services, "GENERATED", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["init_config", "key", "salt"])
    written = []
    for _ in range(2):
        monkeypatch.delitem(sys.modules, init_config.__name__, raising=False)
        runpy.run_module(init_config.__name__, run_name="__main__")
        written.append({file.name: file.read_text() for file in tmp_path.iterdir()})
    assert written[0] == written[1]
    assert written[0].keys() == {"key", "salt"}
    assert len(set(written[0].values())) == 2
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o444}


def test_every_service_is_scraped_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init_config, "SERVICES", {"orders": ORDERS})
    text = init_config.render_scrape_config((ROOT / "prometheus/scrape/compose.yml").read_text())
    jobs = {job["job_name"]: job for job in yaml.safe_load(text)["scrape_configs"]}
    [listed] = jobs["services"]["dns_sd_configs"]
    assert listed["names"] == [f"alertdrill-orders-{number}" for number in range(1, 9)]
    assert (listed["port"], listed["type"], listed["refresh_interval"]) == (5053, "A", "5s")
    assert {"stack", "pushed", "load", "probe"} <= set(jobs)


@pytest.mark.parametrize("password", ["random", "chosen"])
def test_password_is_random_unless_it_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    context = replace(RenderContext.from_env({}), etc=tmp_path)
    monkeypatch.setattr(RenderContext, "from_env", lambda _: context)
    monkeypatch.setattr("os.umask", lambda _: 0)
    for name in ("FAULTS_TOKEN", "CONTROL_TOKEN", "RESPONDER_TOKEN", "GRAFANA_PASSWORD"):
        monkeypatch.setattr(init_config, name, tmp_path / name)
    monkeypatch.setattr(init_config, "ALERTMANAGER_LOGIN", tmp_path / "login")
    monkeypatch.setenv("GRAFANA_PASSWORD", password)
    init_config.main()
    assert ((tmp_path / "GRAFANA_PASSWORD").read_text() == "chosen") is (password == "chosen")
    line = "server web-1 alertdrill-web-1:5000 check port 5050"
    assert line in (tmp_path / "lb/backends.cfg").read_text()
    # Each reader runs as another user.
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "login").iterdir()} == {0o444}
