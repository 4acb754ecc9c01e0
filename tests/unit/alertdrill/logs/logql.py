"""A reader of as much of LogQL as we write: decides as Loki would, with none of our own code."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from alertdrill.loki_client import LokiLine

STRING = r'"(?:[^"\\]|\\.)*"'
MATCHER = re.compile(rf"(\w+)(=~|=)({STRING})")
EITHER = re.compile(rf"{MATCHER.pattern}(?: or |$)")
STAGE = re.compile(rf" \| ((?:[^|\" ]|{STRING}| (?!\|))+)")


def selects(logql: str, line: LokiLine) -> bool:
    """Tell whether a query finds a line; fail on anything that is not of our LogQL."""
    fields = dict(line.fields)
    head = re.match(rf"\{{((?:[^\"}}]|{STRING})*)\}}", logql)
    assert head, logql
    labels = MATCHER.findall(head[1])
    assert ", ".join("".join(label) for label in labels) == head[1]
    stages = [found[1] for found in STAGE.finditer(logql, head.end())]
    assert " | ".join([head[0], *stages]) == logql
    return all(_passes(fields, *label) for label in labels) and all(
        _goes_on(stage, fields, line) for stage in stages
    )


def _goes_on(stage: str, fields: dict[str, str], line: LokiLine) -> bool:
    if pattern := re.fullmatch(r'pattern "<(\w+)>"', stage):
        fields[pattern[1]] = line.message
        return True
    if dropped := re.fullmatch(r"drop (\w+)", stage):
        del fields[dropped[1]]
        return True
    either = [found.groups() for found in EITHER.finditer(stage)]
    assert " or ".join("".join(one) for one in either) == stage
    return any(_passes(fields, *one) for one in either)


def _passes(fields: Mapping[str, str], name: str, sign: str, quoted: str) -> bool:
    value, has = json.loads(quoted), fields.get(name, "")
    return has == value if sign == "=" else re.fullmatch(value, has) is not None
