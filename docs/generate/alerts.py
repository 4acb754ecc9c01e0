"""The alerts: their rules, runbooks and drills."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from .markdown import ROOT, code, document, link, table

COLUMNS = ("Alert", "Severity", "For", "Summary", "Runbook", "Drill")
FOLDERS = ("prometheus/rules", "loki/rules")


def page() -> str:
    """Return the page."""
    return document(
        "Alerts",
        "Every alert has a rule, rule tests, a runbook, a drill and an entry in"
        f" {link('the healing policy', 'alerting/policy.yml')}. Severity `page` needs a person now,"
        " `ticket` in working hours, `none` is a heartbeat.",
        *_sections(),
    )


def _sections() -> Iterator[str]:
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).glob("*.yml")):
            rows = list(_rows(file))
            if rows:
                path = str(file.relative_to(ROOT))
                yield f"## {link(path, path)}"
                yield _comment(file)
                yield table(COLUMNS, rows)


def _rows(file: Path) -> Iterator[Sequence[str]]:
    for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            if name := rule.get("alert", ""):
                yield (
                    code(name),
                    rule["labels"]["severity"],
                    rule["for"],
                    _plain(rule["annotations"]["summary"]),
                    link("runbook", f"alerting/runbooks/{name}.md"),
                    link("drill", f"drills/{name}.yml"),
                )


def _plain(summary: str) -> str:
    """Replace each template expression by the name of its label, or by `value`, in italics."""
    return re.sub(r"\{\{ \$(?:labels\.)?(\w+).*? \}\}", r"*\1*", summary)


def _comment(file: Path) -> str:
    """Return the comment at the head of a file."""
    lines = file.read_text(encoding="utf-8").splitlines()
    count = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return " ".join(line.removeprefix("#").strip() for line in lines[:count])
