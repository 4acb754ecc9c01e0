import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from firedrill.programs import FILES, Program
from firedrill.runtimes.native import configs
from firedrill.runtimes.native.configs import ConfigError, complaint
from firedrill.runtimes.native.layout import Layout
from firedrill.runtimes.native.plan import Plan, make_plan
from firedrill.runtimes.native.process import Site
from firedrill.settings import ROOT

RESPONDER = "http://127.0.0.1:8090"


@pytest.fixture
def written(layout: Layout, plan: Plan) -> Layout:
    configs.write(layout, plan, RESPONDER)
    return layout


def targets(layout: Layout, name: str) -> Any:
    return json.loads((layout.targets / f"{name}.json").read_text())


def test_programs_read_the_committed_files(written: Layout) -> None:
    for name, source in {
        "prometheus/prometheus.yml": "prometheus/prometheus.yml",
        "prometheus/scrape.d/native.yml": "prometheus/scrape/native.yml",
        "prometheus/rules": "prometheus/rules",
        "alertmanager/alertmanager.yml": "alerting/alertmanager.yml",
    }.items():
        assert (written.etc / name).resolve() == ROOT / source


def test_writing_twice_is_harmless(written: Layout, plan: Plan) -> None:
    before = sorted(written.etc.rglob("*"))
    configs.write(written, plan, RESPONDER)
    assert sorted(written.etc.rglob("*")) == before
    assert (ROOT / "prometheus" / "prometheus.yml").is_file()


def test_files_named_are_files_written(written: Layout, plan: Plan) -> None:
    configs.write_service_targets(written, plan.processes)
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


def test_alerts_go_to_the_responder(written: Layout) -> None:
    assert (written.etc / "alertmanager/webhook_url").read_text() == f"{RESPONDER}/webhook"


def test_stack_is_scraped_but_not_services(written: Layout, plan: Plan) -> None:
    found = targets(written, "stack")
    assert {row["labels"]["instance"] for row in found} == {
        process.name for process in plan.processes if process.job == "stack"
    }
    assert {
        "targets": ["127.0.0.1:9090"],
        "labels": {"service": "prometheus", "instance": "prometheus-1"},
    } in found


def test_services_are_those_that_serve(written: Layout, plan: Plan) -> None:
    configs.write_service_targets(written, [*plan.of("web")[:2], *plan.of("prometheus")])
    assert targets(written, "services") == [
        {"targets": ["127.0.0.1:15101"], "labels": {"service": "web", "instance": "web-1"}},
        {"targets": ["127.0.0.1:15102"], "labels": {"service": "web", "instance": "web-2"}},
    ]
    assert not list(written.targets.glob("*.new"))


def test_probe_goes_the_public_way(layout: Layout, site_with: Callable[..., Site]) -> None:
    configs.write(layout, make_plan(site_with(lb_address="192.0.2.7")), RESPONDER)
    [probe] = targets(layout, "probe")
    assert probe["targets"] == ["http://192.0.2.7:8080/"]
    assert probe["labels"]["__blackbox__"] == "127.0.0.1:9115"
    assert targets(layout, "alertmanager") == [{"targets": ["127.0.0.1:9093"]}]


def test_programs_files_lie_beside_it(layout: Layout, site: Site, tmp_path: Path) -> None:
    (tmp_path / "share" / "ui").mkdir(parents=True)
    found = replace(site.programs["alertmanager"], files=tmp_path / "share")
    plan = make_plan(replace(site, programs={**site.programs, "alertmanager": found}))
    configs.write(layout, plan, RESPONDER)
    assert (plan.of("alertmanager")[0].directory / FILES / "ui").is_dir()
    assert sorted(layout.home.rglob(FILES)) == [layout.etc / "alertmanager" / FILES]


@pytest.fixture
def checkers(site: Site, tmp_path: Path) -> dict[str, Program]:
    """Return programs that note how they were called, and like everything."""
    (tmp_path / "bin").mkdir()
    for program in site.programs.values():
        program.path.write_text(f'#!/bin/sh\necho "$0 $*" >>{tmp_path}/called\n')
        program.path.chmod(0o755)
    return dict(site.programs)


def test_every_configuration_is_checked(
    written: Layout, plan: Plan, checkers: dict[str, Program], tmp_path: Path
) -> None:
    configs.check(written, plan, checkers)
    calls = [line.split() for line in (tmp_path / "called").read_text().splitlines()]
    assert {Path(path).name for path, *_ in calls} == {
        *("promtool", "amtool", "haproxy", "blackbox_exporter", "loki", "otelcol")
    }
    assert all(
        any(word in ("-c", "check", "check-config") or "-config" in word for word in call)
        for call in calls
    )


def test_absent_programs_check_nothing(
    site_with: Callable[..., Site], checkers: dict[str, Program], layout: Layout, tmp_path: Path
) -> None:
    site = site_with()
    configs.write(layout, make_plan(site), RESPONDER)
    configs.check(layout, make_plan(site), site.programs)
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
    written: Layout, plan: Plan, checkers: dict[str, Program], program: str, source: str
) -> None:
    checkers[program].path.write_text("#!/bin/sh\necho fine; echo Error: line 7 >&2; exit 1\n")
    with pytest.raises(ConfigError, match=rf"^{source} is broken: Error: line 7$"):
        configs.check(written, plan, checkers)


def test_checker_sees_the_programs_variables(
    written: Layout, plan: Plan, checkers: dict[str, Program]
) -> None:
    checkers["haproxy"].path.write_text('#!/bin/sh\necho "error: $WEB_1"; exit 1\n')
    with pytest.raises(ConfigError, match=r"error: 127\.0\.0\.1:15101"):
        configs.check(written, plan, checkers)


PROMTOOL_FIELD = """\
Checking /srv/alerts/prometheus.yml
  WARNING: file "targets/alertmanager.json" for file_sd in alertmanager config does not exist

  FAILED: parsing YAML file /srv/alerts/prometheus.yml: yaml: unmarshal errors:
  line 4: field scrape_intervall not found in type config.plain
"""
PROMTOOL_RULE = """\
Checking prometheus.yml
  SUCCESS: 2 rule files found
 SUCCESS: prometheus.yml is valid prometheus config file syntax

Checking rules/availability.yml
Checking rules/pipeline.yml
  SUCCESS: 1 rules found

  FAILED:
rules/availability.yml: 24:15: group "availability", rule 2, "WebHighErrorRate": could not parse \
expression: 2:10: parse error: unexpected <by>
"""
AMTOOL = """\
Checking 'alertmanager.yml'  FAILED: undefined receiver "xresponder" used in route

amtool: error: failed to validate 1 file(s)
"""
HAPROXY = """\
[NOTICE]   (32111) : haproxy version is 2.6.12-1+deb12u4
[NOTICE]   (32111) : path to executable is /usr/sbin/haproxy
[ALERT]    (32111) : config : parsing [haproxy.cfg:28] : unknown keyword 'retires' in 'defaults' \
section; did you mean 'retries' maybe ?
[ALERT]    (32111) : config : Error(s) found in configuration file : haproxy.cfg
[ALERT]    (32111) : config : Fatal errors found in configuration.
"""
BLACKBOX = """\
time=2026-11-23T18:47:17.325Z level=INFO source=main.go:98 msg="Starting blackbox_exporter"
time=2026-11-23T18:47:17.325Z level=ERROR source=main.go:102 msg="Error loading config" \
err="error parsing config file: yaml: unmarshal errors:\\n  line 4: field foo not found"
"""
LOKI = """\
failed parsing config: loki.yml: yaml: unmarshal errors:
  line 2: field foo not found in type loki.ConfigWrapper. Use `-config.expand-env=true` flag
"""
OTELCOL = """\
Error: failed to get config: cannot unmarshal the configuration: decoding failed due to the \
following error(s):

'receivers' unknown type: "filelogg" for id: "filelogg" (valid values: [filelog file_log])
"""


@pytest.mark.parametrize(
    ("output", "begin", "culprit"),
    [
        (PROMTOOL_FIELD, "FAILED: parsing", "line 4: field scrape_intervall not found"),
        (PROMTOOL_RULE, "FAILED: rules/", "24:15: group"),
        (AMTOOL, "Checking", 'undefined receiver "xresponder"'),
        (HAPROXY, "[ALERT]", "[haproxy.cfg:28] : unknown keyword 'retires'"),
        (BLACKBOX, "time=", "line 4: field foo not found"),
        (LOKI, "failed parsing", "line 2: field foo not found"),
        (OTELCOL, "Error: failed", 'unknown type: "filelogg"'),
        ("odd\nwords\n", "odd words", "words"),
        ("\n", "its checker gave no reason", "."),
    ],
    ids=["field", "rule", "amtool", "haproxy", "blackbox", "loki", "otelcol", "other", "silent"],
)
def test_complaint_names_the_culprit(output: str, begin: str, culprit: str) -> None:
    said = complaint(output)
    assert said.startswith(begin)
    assert culprit in said
    assert "\n" not in said
