from __future__ import annotations

import pytest

from tests.tiers.runner import Record
from tests.tiers.summary import passed, summary
from tests.tiers.waivers import Waiver

PARTS = ["lint", "unit-contract", "drills"]
LINT = Record("lint", "abc", 61.4, "passed")
QUICK = Record("unit-contract", "abc", 170.0, "passed", [Waiver(12, "no Loki")], resumed=True)
DRILLS = Record("drills", "abc", 300.2, "failed", notes=["in rotation: InstanceHung"])


def test_table_has_every_part() -> None:
    lines = [line.split(maxsplit=2) for line in summary(PARTS, [LINT, QUICK]).splitlines()]
    assert lines[1:5] == [
        ["lint", "61", "passed"],
        ["unit-contract", "170", "passed (earlier, on this commit)"],
        ["drills", "not", "run"],
        ["all", "61", "FAILED"],
    ]


def test_waivers_are_named_with_their_count() -> None:
    text = summary(PARTS, [LINT, QUICK, DRILLS])
    assert "unit-contract: 12 x no Loki" in text
    assert "drills: in rotation: InstanceHung" in text
    assert "Waivers: none." in summary(PARTS, [LINT])


@pytest.mark.parametrize(
    ("parts", "records", "fine"),
    [
        (["lint", "unit-contract"], [LINT, QUICK], True),
        (["lint", "unit-contract"], [LINT], False),
        (["lint", "drills"], [LINT, DRILLS], False),
    ],
)
def test_tier_passes_with_all_its_parts(
    parts: list[str], records: list[Record], fine: bool
) -> None:
    assert passed(parts, records) is fine
