"""An evaluator of the LogQL that we generate. It decides as Loki does and uses no product code."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from alertdrill.clients.loki import LokiLine

STRING = r'"(?:[^"\\]|\\.)*"'
MATCHER = re.compile(rf"(\w+)(=~|=)({STRING})")
ALTERNATIVES = re.compile(rf"{MATCHER.pattern}(?: or |$)")
STAGE = re.compile(rf" \| ((?:[^|\" ]|{STRING}| (?!\|))+)")


def selects(logql: str, line: LokiLine) -> bool:
    """Return whether a query selects a line; fail on LogQL that we do not generate."""
    fields = dict(line.fields)
    head = re.match(rf"\{{((?:[^\"}}]|{STRING})*)\}}", logql)
    assert head, logql
    labels = MATCHER.findall(head[1])
    assert ", ".join("".join(label) for label in labels) == head[1]
    stages = [match[1] for match in STAGE.finditer(logql, head.end())]
    assert " | ".join([head[0], *stages]) == logql
    return all(_passes(fields, *label) for label in labels) and all(
        _stage_passes(stage, fields, line) for stage in stages
    )


def _stage_passes(stage: str, fields: dict[str, str], line: LokiLine) -> bool:
    if pattern := re.fullmatch(r'pattern "<(\w+)>"', stage):
        fields[pattern[1]] = line.message
        return True
    if dropped := re.fullmatch(r"drop (\w+)", stage):
        del fields[dropped[1]]
        return True
    alternatives = [match.groups() for match in ALTERNATIVES.finditer(stage)]
    assert " or ".join("".join(matcher) for matcher in alternatives) == stage
    return any(_passes(fields, *matcher) for matcher in alternatives)


def _passes(fields: Mapping[str, str], name: str, sign: str, quoted: str) -> bool:
    value, actual = json.loads(quoted), fields.get(name, "")
    return actual == value if sign == "=" else re.fullmatch(value, actual) is not None
