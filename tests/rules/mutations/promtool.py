"""Run promtool on a test with several variants of the rules; return the variants that fail."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from alertdrill.toolchain.cache import default_cache
from alertdrill.toolchain.find import resolve_programs
from alertdrill.toolchain.programs import PROGRAMS

from .batch_variants import Variant, combined_rules, combined_test
from .rules import RuleTests

# promtool's failure messages: the alert of a check, or a rule that could not be evaluated.
FAILED = re.compile(r"^\s*(alertname|rule): [\w:]+?(?:_v(\d+))?, time: ", re.MULTILINE)


@cache
def promtool() -> Path:
    """Return the path of promtool."""
    wanted = [program for program in PROGRAMS if program.name == "promtool"]
    return resolve_programs(wanted, default_cache(), print).programs["promtool"].path


def failing_variants(
    tests: RuleTests, case: Mapping[str, Any], variants: Sequence[Variant]
) -> set[int]:
    """Return the numbers of the variants that fail a test group; 0 is the unchanged rules.

    Raises ValueError if promtool fails for another reason, such as an invalid rule.
    """
    done = _run(tests, case, variants)
    if done.returncode == 0:
        return set()
    failures = {
        (kind, int(number or 0)) for kind, number in FAILED.findall(done.stdout + done.stderr)
    }
    if not failures:
        raise ValueError(f"promtool cannot test {tests.path.name}: {done.stdout}{done.stderr}")
    broken = {number for kind, number in failures if kind == "rule"}
    if not broken:
        return {number for _, number in failures}
    # promtool stops at a rule that it cannot evaluate, so the other variants need another run.
    others = [variant for variant in variants if variant.number not in broken]
    return broken | (set() if 0 in broken else failing_variants(tests, case, others))


def _run(
    tests: RuleTests, case: Mapping[str, Any], variants: Sequence[Variant]
) -> subprocess.CompletedProcess[str]:
    rules = {"groups": combined_rules(tests.needed(), variants)}
    only = {**tests.parsed(), "rule_files": ["rules.yml"], "tests": [combined_test(case, variants)]}
    with TemporaryDirectory() as folder:
        (Path(folder) / "rules.yml").write_text(yaml.safe_dump(rules, sort_keys=False))
        file = Path(folder) / "tests.yml"
        file.write_text(yaml.safe_dump(only, sort_keys=False))
        command: list[str | Path] = [promtool(), "test", "rules", file]
        return subprocess.run(command, capture_output=True, text=True, check=False)
