"""`alertdrill logs` and the collector recognise the same lines as structured."""

import re
from pathlib import Path

import pytest
import yaml

from alertdrill.logs import parse
from alertdrill.logs.record import LEVELS, UNKNOWN
from alertdrill.logs.search import NOT_CARRIED
from alertdrill.logs.sources import MAX_RANGE_MS

ROOT = Path(__file__).parents[2]
FILELOG = yaml.safe_load((ROOT / "loki" / "collector.yml").read_text())["receivers"]["filelog"]
LOKI = yaml.safe_load((ROOT / "loki" / "loki.yml").read_text())
(EXPRESSION,) = [
    operator["if"]
    for operator in FILELOG["operators"]
    if operator["type"] == "move" and operator["to"] == "attributes.line"
]


@pytest.mark.parametrize("form", [parse.TIMESTAMP, parse.NAME])
def test_timestamp_and_field_formats_match_the_collector(form: str) -> None:
    patterns = [text.replace("\\\\", "\\") for text in re.findall(r'"\^(.*?)\$"', EXPRESSION)]
    assert form in patterns


def test_required_fields_match_the_collector() -> None:
    [listed] = re.findall(r"all\(\[(.*?)\]", EXPRESSION)
    assert tuple(re.findall(r'"(\w+)"', listed)) == parse.REQUIRED_FIELDS


def test_levels_match_the_collector() -> None:
    [move] = [
        step
        for step in FILELOG["operators"]
        if step["type"] == "move" and step["from"] == "attributes.line.level"
    ]
    assert tuple(re.findall(r'"(\w+)"', move["if"])) == LEVELS
    assert any(step.get("value") == UNKNOWN for step in FILELOG["operators"])


def test_collector_does_not_read_its_own_lines() -> None:
    assert any(NOT_CARRIED in pattern for pattern in FILELOG["exclude"])


def test_search_covers_the_retention_of_loki() -> None:
    hours = int(LOKI["limits_config"]["retention_period"].removesuffix("h"))
    assert hours * 3_600_000 < MAX_RANGE_MS
