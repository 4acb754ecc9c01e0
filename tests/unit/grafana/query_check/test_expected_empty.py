from pathlib import Path

import pytest

from grafana.query_check.errors import QueryCheckError
from grafana.query_check.expected_empty import expectation, read
from grafana.query_check.panel_queries import Query

LIST = """
- {dashboard: service, panel: Exceptions, reason: There are none under normal load.}
- {dashboard: load, panel: Users, query: B, reason: Only while a load runs.}
"""


def test_expectation_of_a_panel_covers_all_its_queries(tmp_path: Path) -> None:
    (tmp_path / "expected_empty.yml").write_text(LIST)
    expectations = read(tmp_path / "expected_empty.yml")
    assert expectation(Query("service", "Exceptions", "B", "range"), expectations)
    assert expectation(Query("load", "Users", "B", "range"), expectations)
    assert expectation(Query("load", "Users", "A", "range"), expectations) is None
    assert expectation(Query("overview", "Exceptions", "A", "range"), expectations) is None


@pytest.mark.parametrize("entry", ["{dashboard: a, panel: b}", "{dashboard: a, panel: b, why: c}"])
def test_entry_without_a_reason_is_rejected(tmp_path: Path, entry: str) -> None:
    (tmp_path / "expected_empty.yml").write_text(f"- {entry}")
    with pytest.raises(QueryCheckError, match="invalid entry"):
        read(tmp_path / "expected_empty.yml")


def test_without_a_list_nothing_is_expected_empty(tmp_path: Path) -> None:
    assert read(tmp_path / "expected_empty.yml") == []
