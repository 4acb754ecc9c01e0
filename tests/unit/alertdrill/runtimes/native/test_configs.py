import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from alertdrill.config import ROOT
from alertdrill.config.settings import StackSettings
from alertdrill.runtimes import config_files
from alertdrill.runtimes.native import configs
from alertdrill.runtimes.native.configs import ConfigError
from alertdrill.runtimes.native.layout import Layout
from alertdrill.runtimes.native.plan import Plan
from alertdrill.timescale.render import language_of, render
from alertdrill.toolchain.cache import DATA_FOLDER
from alertdrill.toolchain.find import Program


def write(layout: Layout, plan: Plan, speed: float = 1.0) -> Layout:
    settings = StackSettings(layout.home.parent, speed=speed)
    desired = [process for process in plan.processes if process.number <= 2]
    configs.write_all(layout, plan, settings, desired)
    return layout


@pytest.fixture
def written(layout: Layout, plan: Plan) -> Layout:
    return write(layout, plan)


def targets(layout: Layout, name: str) -> Any:
    return json.loads((layout.targets / f"{name}.json").read_text())


def test_configurations_are_links_to_committed_files(written: Layout) -> None:
    for name, source in {
        "prometheus/prometheus.yml": "prometheus/prometheus.yml",
        "prometheus/scrape.d/native.yml": "prometheus/scrape/native.yml",
        "prometheus/rules": "prometheus/rules",
        "alertmanager/alertmanager.yml": "alerting/alertmanager.yml",
        "loki/rules/fake": "loki/rules",
    }.items():
        assert (written.etc / name).resolve() == ROOT / source


def test_writing_twice_is_harmless(written: Layout, plan: Plan) -> None:
    before = sorted(written.etc.rglob("*"))
    write(written, plan)
    assert sorted(written.etc.rglob("*")) == before
    assert (ROOT / "prometheus" / "prometheus.yml").is_file()


def test_other_speeds_have_rendered_copies(written: Layout, plan: Plan) -> None:
    fast = write(written, plan, 12)
    for name, source in configs.SOURCES.items():
        place = fast.etc / name
        assert not place.is_symlink()
        files = {ROOT / source: place}
        if place.is_dir():
            files = {file: place / file.name for file in (ROOT / source).glob("*.yml")}
            assert set(place.iterdir()) == set(files.values())
        for committed, rendered in files.items():
            assert rendered.read_text() == render(committed.read_text(), 12, language_of(source))


def test_rendering_keeps_the_committed_files(layout: Layout, plan: Plan) -> None:
    files = [ROOT / "alerting/alertmanager.yml", *(ROOT / "prometheus/scrape").glob("*.yml")]
    before = {file: file.read_bytes() for file in files}
    for speed in (1, 12, 12, 1):
        write(layout, plan, speed)
    assert {file: file.read_bytes() for file in files} == before
    assert (layout.etc / "prometheus/rules").readlink() == ROOT / "prometheus/rules"


def test_leftover_drill_files_are_deleted(written: Layout, plan: Plan) -> None:
    for name in config_files.DROP_IN_FOLDERS:
        (written.etc / name / "drill.yml").write_text("broken: [")
    write(written, plan)
    assert list(written.etc.rglob("drill.yml")) == []
    assert (written.etc / "prometheus/rules.d").is_dir()


def test_every_referenced_file_is_written(written: Layout, plan: Plan) -> None:
    scrape = written.etc / "prometheus/scrape.d/native.yml"
    main = yaml.safe_load((written.etc / "prometheus/prometheus.yml").read_text())
    jobs = [
        *yaml.safe_load(scrape.read_text())["scrape_configs"],
        *main["alerting"]["alertmanagers"],
    ]
    for job in jobs:
        [files] = job["file_sd_configs"]
        # A path is relative to the file that names it.
        folder = scrape.parent if "job_name" in job else scrape.parent.parent
        assert [(folder / file).is_file() for file in files["files"]] == [True]
        if login := job.get("basic_auth"):
            assert (folder / login["password_file"]).read_text()


def test_webhook_is_the_responders(written: Layout) -> None:
    assert (written.etc / "alertmanager/webhook_url").read_text() == "http://127.0.0.1:8090/webhook"


def test_stack_targets_exclude_services(written: Layout, plan: Plan) -> None:
    rows = targets(written, "stack")
    assert {row["labels"]["instance"] for row in rows} == {
        *(process.name for process in plan.processes if process.job == "stack"),
        "supervisord-1",
    }
    assert {
        "targets": ["127.0.0.1:9090"],
        "labels": {"service": "prometheus", "instance": "prometheus-1"},
    } in rows


def test_supervisord_is_scraped_through_the_control_api(written: Layout) -> None:
    [row] = [row for row in targets(written, "stack") if "__metrics_path__" in row["labels"]]
    assert row == {
        "targets": ["127.0.0.1:8141"],
        "labels": {
            "service": "supervisord",
            "instance": "supervisord-1",
            "__metrics_path__": "/supervisor/metrics",
        },
    }


def test_service_targets_are_the_desired_instances(written: Layout) -> None:
    rows = targets(written, "services")
    assert [row["labels"]["instance"] for row in rows] == [
        *("web-1", "web-2", "data-service-1", "data-service-2", "responder-1"),
    ]
    assert rows[1]["targets"] == ["127.0.0.1:15152"]
    assert rows[-1]["targets"] == ["127.0.0.1:8140"]
    assert not list(written.targets.glob("*.new"))


def test_probe_target_is_the_public_address(layout: Layout, plan_with: Callable[..., Plan]) -> None:
    write(layout, plan_with(lb_address="192.0.2.7"))
    [probe] = targets(layout, "probe")
    assert probe["targets"] == ["http://192.0.2.7:8080/"]
    assert probe["labels"]["__blackbox__"] == "127.0.0.1:9115"
    assert targets(layout, "alertmanager") == [{"targets": ["127.0.0.1:9093"]}]


def test_programs_files_are_linked(
    layout: Layout,
    plan_with: Callable[..., Plan],
    programs: dict[str, Program],
    tmp_path: Path,
) -> None:
    (tmp_path / "share" / "ui").mkdir(parents=True)
    programs["alertmanager"] = replace(programs["alertmanager"], files=tmp_path / "share")
    plan = plan_with()
    write(layout, plan)
    assert (plan.of("alertmanager")[0].directory / DATA_FOLDER / "ui").is_dir()
    assert sorted(layout.home.rglob(DATA_FOLDER)) == [layout.etc / "alertmanager" / DATA_FOLDER]


@pytest.fixture
def checkers(written: Layout, programs: dict[str, Program], tmp_path: Path) -> dict[str, Program]:
    """Return programs that record their arguments and succeed."""
    (tmp_path / "bin").mkdir()
    for program in programs.values():
        program.path.write_text(f'#!/bin/sh\necho "$PWD: $0 $*" >>{tmp_path}/called\n')
        program.path.chmod(0o755)
    return programs


def test_every_configuration_is_checked(
    written: Layout, plan: Plan, checkers: dict[str, Program], tmp_path: Path
) -> None:
    configs.check(plan, checkers)
    lines = (tmp_path / "called").read_text().replace(f"{tmp_path}/bin/", "").splitlines()
    calls = {line.split()[1]: line for line in lines}
    etc = written.etc
    lb = f"{etc}/lb: haproxy -c -W -db -f {ROOT}/lb/haproxy.cfg -f backends.cfg"
    prometheus = f"{etc}/prometheus: promtool check config --lint-fatal prometheus.yml"
    assert (calls["haproxy"], calls["promtool"]) == (lb, prometheus)
    assert calls["amtool"] == f"{etc}/alertmanager: amtool check-config alertmanager.yml"
    for program, words in {
        "blackbox_exporter": ("--config.check", f"--config.file={ROOT}/prometheus/blackbox.yml"),
        "loki": ("-verify-config", f"-config.file={ROOT}/loki/loki.yml"),
        "otelcol": ("validate", f"--config={ROOT}/loki/collector.yml"),
    }.items():
        assert set(words) <= set(calls.pop(program).split())
    assert calls.keys() == {"haproxy", "promtool", "amtool"}


def test_missing_programs_are_not_checked(
    plan_with: Callable[..., Plan], checkers: dict[str, Program], tmp_path: Path
) -> None:
    del checkers["loki"]
    configs.check(plan_with(), checkers)
    assert "loki" not in (tmp_path / "called").read_text()


@pytest.mark.parametrize(
    ("program", "source"),
    [
        ("promtool", "prometheus/"),
        ("amtool", "alerting/alertmanager.yml"),
        ("haproxy", "lb/haproxy.cfg"),
        ("blackbox_exporter", "prometheus/blackbox.yml"),
        ("loki", "loki/loki.yml"),
        ("otelcol", "loki/collector.yml"),
    ],
)
def test_broken_configuration_is_named(
    plan: Plan, checkers: dict[str, Program], program: str, source: str
) -> None:
    checkers[program].path.write_text("#!/bin/sh\necho fine; echo Error: line 7 >&2; exit 1\n")
    with pytest.raises(ConfigError, match=rf"^{source} is broken: Error: line 7$"):
        configs.check(plan, checkers)


def test_checker_has_the_programs_variables(plan: Plan, checkers: dict[str, Program]) -> None:
    checkers["haproxy"].path.write_text('#!/bin/sh\necho "error: $LB_PORT"; exit 1\n')
    with pytest.raises(ConfigError, match=r"error: 8080"):
        configs.check(plan, checkers)


def test_load_target_is_written_and_removed(written: Layout) -> None:
    assert targets(written, "load") == []
    configs.write_load_target(written, "127.0.0.1:8089")
    [listed] = targets(written, "load")
    assert listed["targets"] == ["127.0.0.1:8089"]
    assert listed["labels"] == {"service": "locust", "instance": "locust-1"}
    configs.write_load_target(written, None)
    assert targets(written, "load") == []
