from __future__ import annotations

from pathlib import Path

import pytest
from grafana_foundation_sdk.builders.stat import Panel
from grafana_foundation_sdk.models import dashboard

from grafana.build.no_data import set_no_data_texts

ENTRIES = """
- {dashboard: logs, panel: Whole, reason: Nothing is wrong.}
- {dashboard: logs, panel: Part, query: B, reason: Half of it is.}
- {dashboard: slo, panel: Other, reason: It is another one.}
"""


def no_value(panel: dashboard.Panel) -> str | None:
    assert panel.field_config is not None
    return panel.field_config.defaults.no_value


@pytest.mark.parametrize(
    ("title", "text"),
    [("Whole", "Nothing is wrong."), ("Part", None), ("Other", None), ("Full", None)],
)
def test_panel_that_may_be_empty_has_its_reason(
    tmp_path: Path, title: str, text: str | None
) -> None:
    file = tmp_path / "expected_empty.yml"
    file.write_text(ENTRIES)
    panel = Panel().title(title).unit("short").build()
    set_no_data_texts("logs", [panel], file)
    assert no_value(panel) == text
