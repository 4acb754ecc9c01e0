from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiers.waivers import Waiver, failed, read_waivers

JUNIT = """<testsuites><testsuite>
<testcase name="fine"/>
<testcase name="no-loki"><skipped type="pytest.skip" message="no Loki"/></testcase>
<testcase name="known"><skipped type="pytest.xfail" message="later"/></testcase>
<testcase name="LogFlood"><skipped message="no Loki"/></testcase>
<testcase name="bare"><skipped/></testcase>
<testcase name="wrong"><failure message="no"/></testcase>
<testcase name="broken"><error message="no"/></testcase>
</testsuite></testsuites>"""


def test_skips_are_counted_by_reason(tmp_path: Path) -> None:
    (tmp_path / "tests.xml").write_text(JUNIT)
    (tmp_path / "waivers").write_text("5\tno Loki\n2\tno Go\n")
    assert read_waivers(tmp_path) == [
        Waiver(7, "no Loki"),
        Waiver(2, "no Go"),
        Waiver(1, "no reason given"),
    ]


def test_nothing_is_waived_without_a_reason(tmp_path: Path) -> None:
    assert read_waivers(tmp_path) == []


@pytest.mark.parametrize("line", ["no Loki", "3", "3\t", "three\tno Loki", "-1\tno Loki"])
def test_line_that_is_no_waiver_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "waivers").write_text(f"{line}\n")
    with pytest.raises(ValueError, match="no COUNT"):
        read_waivers(tmp_path)


def test_failures_are_named(tmp_path: Path) -> None:
    (tmp_path / "tests.xml").write_text(JUNIT)
    assert failed(tmp_path / "tests.xml") == ["wrong", "broken"]


def test_failures_of_a_type_are_named(tmp_path: Path) -> None:
    file = tmp_path / "drills.xml"
    file.write_text(
        '<testsuites><testcase name="Down"><failure type="failed" message="no"/></testcase>'
        '<testcase name="Busy"><failure type="inconclusive" message="no"/></testcase></testsuites>'
    )
    assert failed(file, "inconclusive") == ["Busy"]


def test_file_that_was_cut_off_has_nothing(tmp_path: Path) -> None:
    (tmp_path / "tests.xml").write_text(JUNIT[:100])
    assert read_waivers(tmp_path) == []
    assert failed(tmp_path / "tests.xml") == []
