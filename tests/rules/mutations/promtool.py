"""Run a test file against many variants of its rules, and see which it tells apart."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import yaml

from firedrill.programs import CATALOGUE, default_cache, locate

from .rules import Groups, RuleTests

# One process for each of the two cores that we count on.
PROCESSES = 2


@cache
def promtool() -> Path:
    """Return where promtool is."""
    wanted = [program for program in CATALOGUE if program.name == "promtool"]
    return locate(wanted, default_cache(os.environ), print).programs["promtool"].path


@dataclass(frozen=True)
class Variants:
    """Rule files that differ in one thing each, and a copy of the tests for each of them."""

    folder: Path
    tests: RuleTests

    def write(self, variants: Sequence[Groups]) -> None:
        """Write them; raise ValueError if one is not valid, for then no test would have failed."""
        for number, groups in enumerate(variants):
            rules = self.folder / f"rules-{number}.yml"
            rules.write_text(yaml.safe_dump({"groups": groups}, sort_keys=False))
            self._tests(number).write_text(self.tests.written(rules.name))
        files = sorted(self.folder.glob("rules-*.yml"))
        done = self._promtool("check", "rules", "--lint=none", *files)
        if done.returncode:
            raise ValueError(f"A changed rule is not valid any more: {done.stdout}{done.stderr}")

    def failing(self, numbers: Sequence[int], case: str) -> set[int]:
        """Return those with which this test group fails."""
        shares = [numbers[at::PROCESSES] for at in range(PROCESSES)]
        with ThreadPoolExecutor(PROCESSES) as pool:
            return set().union(*pool.map(lambda share: self._failing(share, case), shares))

    def _failing(self, numbers: Sequence[int], case: str) -> set[int]:
        if not numbers:
            return set()
        # Each process gets another variant first, so this name is its own.
        found = self.folder / f"found-{numbers[0]}.xml"
        options = [f"--junit={found}", f"--run=^{re.escape(case)}$"]
        done = self._promtool("test", "rules", *options, *map(self._tests, numbers))
        suites = ET.parse(found).getroot().findall("testsuite")
        if len(suites) != len(numbers):
            raise ValueError(f"promtool did not run every test: {done.stdout}{done.stderr}")
        return {number for number, suite in zip(numbers, suites, strict=True) if _failed(suite)}

    def _tests(self, number: int) -> Path:
        return self.folder / f"tests-{number}.yml"

    def _promtool(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        command = [promtool(), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)


def _failed(suite: ET.Element) -> bool:
    return not {"failure", "error"}.isdisjoint(part.tag for part in suite.iter())
