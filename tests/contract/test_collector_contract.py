"""The collector and Loki agree with the log contract, and with each other."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LOKI_TEXT = (ROOT / "loki" / "loki.yml").read_text()
COLLECTOR_TEXT = (ROOT / "loki" / "collector.yml").read_text()
COLLECTOR = yaml.safe_load(COLLECTOR_TEXT)
LOKI = yaml.safe_load(LOKI_TEXT)
FILELOG = COLLECTOR["receivers"]["filelog"]
EXPORTER = COLLECTOR["exporters"]["otlphttp"]
QUEUE = EXPORTER["sending_queue"]


def operators(kind: str) -> list[dict[str, Any]]:
    return [operator for operator in FILELOG["operators"] if operator["type"] == kind]


PARSED = "attributes.parsed"
(CONTRACT,) = [step for step in operators("move") if step["from"] == PARSED]
(LEVEL,) = [step for step in operators("move") if step["from"] == "attributes.line.level"]


def megabytes(size: str) -> int:
    return int(size.removesuffix("MB")) * 2**20


def test_unstructured_lines_skip_all_parsing() -> None:
    later = FILELOG["operators"][FILELOG["operators"].index(CONTRACT) + 1 :]
    assert later[0] == {
        "type": "remove",
        "if": "attributes.parsed != nil",
        "field": "attributes.parsed",
    }
    of_file = {'attributes["log.file.name"]', 'attributes["log.file.record_offset"]'}
    for step in later[1:]:
        assert step.get("field") in of_file or "attributes.line" in step["if"]


def test_nothing_is_dropped() -> None:
    assert not [step for step in FILELOG["operators"] if "drop" in step.get("on_error", "")]


def test_lines_stay_together() -> None:
    """A router would send each line separately through all further steps and into the queue."""
    assert not operators("router")


def test_every_level_has_its_severity() -> None:
    (severity,) = operators("severity_parser")
    ours = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    assert list(severity["mapping"].values()) == ours
    assert all(f'"{level}"' in LEVEL["if"] for level in ours)


@pytest.mark.parametrize(
    ("name", "instance", "service"),
    [
        ("web-1.jsonl", "web-1", "web"),
        ("data-service-2.jsonl.3", "data-service-2", "data-service"),
        ("prometheus.jsonl", "prometheus", "prometheus"),
    ],
)
def test_file_name_names_the_instance(name: str, instance: str, service: str) -> None:
    match = re.match(operators("regex_parser")[0]["regex"], name)
    assert match
    assert match.groupdict() == {"instance": instance, "service": service}


@pytest.mark.parametrize(
    ("name", "docker"),
    [
        ("web-1.jsonl", False),
        ("web-1.jsonl.2", False),
        ("abc-json.log", True),
        ("abc-json.log.1", True),
    ],
)
def test_dockers_files_are_known(name: str, docker: bool) -> None:
    (parser,) = [step for step in operators("json_parser") if step["parse_to"] != PARSED]
    condition = re.fullmatch(r'attributes\["log\.file\.name"\] contains "(.*)"', parser["if"])
    assert condition
    assert (condition[1] in name) == docker
    assert operators("regex_parser")[0]["if"] == f"not ({parser['if']})"


def test_container_names_the_instance() -> None:
    pattern = operators("regex_parser")[1]["regex"].replace("$$", "$")
    pattern = pattern.replace("${env:LOG_PROJECT:-alertdrill}", "alertdrill")
    match = re.match(pattern, "alertdrill-data-service-2")
    assert match
    assert match.groupdict() == {"instance": "data-service-2", "service": "data-service"}


def test_labels_are_set_for_loki() -> None:
    attributes = LOKI["limits_config"]["otlp_config"]["resource_attributes"]
    labels, dropped = (rule["attributes"] for rule in attributes["attributes_config"])
    targets = [step["to"] for step in operators("move") + operators("copy")]
    patterns = [
        step["regex"] for step in operators("regex_parser") if step["parse_to"] == "resource"
    ]
    targets += [f"resource.{name}" for name in re.findall(r"\(\?P<(\w+)>", "".join(patterns))]
    assert {f"resource.{label}" for label in labels} <= set(targets)
    assert {f'resource["{name}"]' for name in dropped} <= set(targets)


def test_queue_is_on_disk() -> None:
    assert FILELOG["storage"] == QUEUE["storage"] == "file_storage"
    assert "batch" not in COLLECTOR["processors"]


def test_retries_never_end() -> None:
    for retry in (FILELOG["retry_on_failure"], EXPORTER["retry_on_failure"]):
        assert retry["enabled"]
        assert retry["max_elapsed_time"] == "0s"
    assert QUEUE["block_on_overflow"]


def test_lines_and_requests_fit_loki() -> None:
    limits = LOKI["limits_config"]
    line = int(FILELOG["max_log_size"].removesuffix("KiB")) * 2**10
    assert 3 * line <= megabytes(limits["max_line_size"])
    assert 3 * line <= megabytes(limits["max_structured_metadata_size"])
    assert QUEUE["batch"]["max_size"] < limits["ingestion_burst_size_mb"] * 2**20
    assert QUEUE["batch"]["max_size"] < megabytes(limits["per_stream_rate_limit_burst"])


def test_old_lines_live_until_retention() -> None:
    limits = LOKI["limits_config"]
    assert limits["reject_old_samples_max_age"] == limits["retention_period"]
    assert LOKI["compactor"]["retention_enabled"]


def test_nothing_listens_beyond_loopback() -> None:
    addresses = re.findall(r"\b(?:\w+_address|\w+_addr|endpoint|host): (\S+)", LOKI_TEXT)
    addresses += re.findall(r"\b(?:endpoint|host): (\S+)", COLLECTOR_TEXT)
    addresses.remove("${env:LOKI_URL}/otlp")  # where it sends
    assert addresses
    assert [address for address in addresses if "127.0.0.1" not in address] == []


def test_defaults_have_the_dash() -> None:
    """Loki reads `${NAME:value}` as a part of NAME, and would listen on every address."""
    assert re.findall(r"\$\{\w+:[^-]", LOKI_TEXT) == []


def test_no_line_sets_its_own_stream() -> None:
    """The file determines the writer; a program could otherwise claim the name of another."""
    moved = [step["from"] for step in operators("move") + operators("copy")]
    assert {"attributes.line.service", "attributes.line.instance"}.isdisjoint(moved)
    assert LEVEL["to"] == "resource.level"  # of five values
