from pathlib import Path

import pytest

from grafana.proof.asks import Query
from grafana.proof.errors import ProofError
from grafana.proof.excused import excuse, read

LIST = """
- {dashboard: service, panel: Exceptions, reason: There are none under normal load.}
- {dashboard: load, panel: Users, query: B, reason: Only while a load runs.}
"""


def test_panel_is_excused_with_all_its_queries(tmp_path: Path) -> None:
    (tmp_path / "empty.yml").write_text(LIST)
    excuses = read(tmp_path / "empty.yml")
    assert excuse(Query("service", "Exceptions", "B", "range"), excuses)
    assert excuse(Query("load", "Users", "B", "range"), excuses)
    assert excuse(Query("load", "Users", "A", "range"), excuses) is None
    assert excuse(Query("overview", "Exceptions", "A", "range"), excuses) is None


@pytest.mark.parametrize("entry", ["{dashboard: a, panel: b}", "{dashboard: a, panel: b, why: c}"])
def test_entry_without_a_reason_is_refused(tmp_path: Path, entry: str) -> None:
    (tmp_path / "empty.yml").write_text(f"- {entry}")
    with pytest.raises(ProofError, match="is no excuse"):
        read(tmp_path / "empty.yml")


def test_without_a_list_nothing_is_excused(tmp_path: Path) -> None:
    assert read(tmp_path / "empty.yml") == []
