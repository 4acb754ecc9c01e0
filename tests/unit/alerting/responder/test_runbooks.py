from __future__ import annotations

import re
from pathlib import Path

import pytest
from alerting.responder.runbooks import Runbooks

from alerting.responder.settings import RUNBOOKS_DIR

HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]


@pytest.mark.parametrize("path", sorted(RUNBOOKS_DIR.glob("*.md")), ids=lambda path: path.stem)
def test_runbook_has_the_required_sections(path: Path) -> None:
    text = path.read_text()
    assert re.findall("^# (.*)$", text, re.MULTILINE) == [path.stem]
    assert re.findall("^## (.*)$", text, re.MULTILINE) == HEADINGS
    diagnosis = text.split("## Diagnosis")[1].split("## Mitigation")[0]
    assert "```promql\n" in diagnosis
    assert "<h1>" in (Runbooks(RUNBOOKS_DIR).page(path.stem) or "")


def test_names_are_the_alert_files(tmp_path: Path) -> None:
    for name in ("Watchdog.md", "InstanceDown.md", "readme.md", "Note.txt", "a b.md"):
        (tmp_path / name).write_text("# x")
    assert Runbooks(tmp_path).names() == ["InstanceDown", "Watchdog"]
    assert Runbooks(tmp_path / "missing").names() == []


def test_name_never_becomes_a_path(tmp_path: Path) -> None:
    (tmp_path / "Secret.md").write_text("secret")
    (tmp_path / "runbooks").mkdir()
    assert Runbooks(tmp_path / "runbooks").page("../Secret") is None


def test_markdown_cannot_carry_scripts(tmp_path: Path) -> None:
    (tmp_path / "Bad.md").write_text("<script>x</script> [y](javascript:z)\n\n|a|\n|-|\n|b|\n")
    page = Runbooks(tmp_path).page("Bad") or ""
    assert "<script" not in page
    assert "href" not in page
    assert "<table>" in page
