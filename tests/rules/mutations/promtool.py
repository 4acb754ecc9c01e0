"""Run a test of some variants of the rules, and see which it tells apart."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from alertdrill.toolchain import PROGRAMS, default_cache, resolve_programs

from .rules import RuleTests
from .variants import Variant, seen_by, side_by_side

# How promtool names what failed: the alert of a check, or a rule that it could not evaluate.
FAILED = re.compile(r"^\s*(alertname|rule): [\w:]+?(?:_v(\d+))?, time: ", re.MULTILINE)


@cache
def promtool() -> Path:
    """Return where promtool is."""
    wanted = [program for program in PROGRAMS if program.name == "promtool"]
    return resolve_programs(wanted, default_cache(os.environ), print).programs["promtool"].path


def failing(tests: RuleTests, case: Mapping[str, Any], variants: Sequence[Variant]) -> set[int]:
    """Return the numbers of the variants with which a test group fails, and 0 if it does anyway.

    Raises ValueError if promtool does not say so of any, as for a rule that is not valid.
    """
    done = _run(tests, case, variants)
    if done.returncode == 0:
        return set()
    found = {(kind, int(number or 0)) for kind, number in FAILED.findall(done.stdout + done.stderr)}
    if not found:
        raise ValueError(f"promtool cannot test {tests.path.name}: {done.stdout}{done.stderr}")
    broken = {number for kind, number in found if kind == "rule"}
    if not broken:
        return {number for _, number in found}
    # It stops at a rule that it cannot evaluate, so what the others do is not known yet.
    others = [each for each in variants if each.number not in broken]
    return broken | (set() if 0 in broken else failing(tests, case, others))


def _run(
    tests: RuleTests, case: Mapping[str, Any], variants: Sequence[Variant]
) -> subprocess.CompletedProcess[str]:
    rules = {"groups": side_by_side(tests.needed(), variants)}
    only = {**tests.parsed(), "rule_files": ["rules.yml"], "tests": [seen_by(case, variants)]}
    with TemporaryDirectory() as folder:
        (Path(folder) / "rules.yml").write_text(yaml.safe_dump(rules, sort_keys=False))
        file = Path(folder) / "tests.yml"
        file.write_text(yaml.safe_dump(only, sort_keys=False))
        command: list[str | Path] = [promtool(), "test", "rules", file]
        return subprocess.run(command, capture_output=True, text=True, check=False)
