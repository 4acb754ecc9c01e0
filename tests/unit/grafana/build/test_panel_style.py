from __future__ import annotations

import json
from dataclasses import replace

import pytest
from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.build import colours
from grafana.build.errors import BuildError
from grafana.build.panel_style import PanelSpec, apply_common, panel_id, runbook, steps
from grafana.build.queries import log_query, range_query
from grafana.build.rules import Limit

HIGH = Limit("High", "page", 5.0, above=True)
LOW = Limit("Low", "ticket", 0.1, above=False)
SPEC = PanelSpec("How?", "So.", "short", ["InstanceDown"], [HIGH], size=(6, 4))


def test_colour_changes_at_the_limit() -> None:
    colour_steps = [(step.value, step.color) for step in steps([HIGH])]
    assert colour_steps == [(None, colours.FINE), (5.0, colours.VERMILLION)]


def test_low_limit_fires_below() -> None:
    colour_steps = [(step.value, step.color) for step in steps([LOW])]
    assert colour_steps == [(None, colours.ORANGE), (0.1, colours.FINE)]


def test_limits_keep_their_order() -> None:
    lower = Limit("High", "ticket", 2.0, above=True)
    colour_steps = [(step.value, step.color) for step in steps([HIGH, lower])]
    assert colour_steps[1:] == [(2.0, colours.ORANGE), (5.0, colours.VERMILLION)]


def test_without_limits_all_is_fine() -> None:
    assert [(step.value, step.color) for step in steps([])] == [(None, colours.FINE)]


def test_id_stays_while_the_title_does() -> None:
    assert panel_id("How?") == panel_id("How?") != panel_id("Why?")
    assert 1 <= panel_id("How?") <= 1_000_000


def test_runbook_is_the_responders() -> None:
    assert runbook("InstanceDown").build().url == "${responder}/runbooks/InstanceDown"


def test_runbook_of_unknown_alert_is_rejected() -> None:
    with pytest.raises(BuildError, match="no alert named 'Unknown'"):
        runbook("Unknown")


def test_panel_has_the_shared_properties() -> None:
    queries = [range_query("up"), range_query("vector(1)")]
    panel = json.loads(
        json.dumps(apply_common(timeseries.Panel(), SPEC, queries).build(), cls=JSONEncoder)
    )
    assert (panel["title"], panel["description"]) == ("How?", "So.")
    assert (panel["gridPos"]["w"], panel["gridPos"]["h"]) == (6, 4)
    assert [target["refId"] for target in panel["targets"]] == ["A", "B"]
    assert panel["fieldConfig"]["defaults"]["unit"] == "short"
    assert [link["title"] for link in panel["links"]] == ["Runbook: InstanceDown"]


def test_source_is_the_querys() -> None:
    panel = apply_common(timeseries.Panel(), SPEC, [log_query("{a=`b`}")]).build()
    assert panel.datasource
    assert panel.datasource.uid == "loki"


def test_panel_may_have_a_no_data_text() -> None:
    def no_value(spec: PanelSpec) -> str | None:
        panel = apply_common(timeseries.Panel(), spec, [range_query("up", "up")]).build()
        assert panel.field_config
        return panel.field_config.defaults.no_value

    assert no_value(SPEC) is None
    assert no_value(replace(SPEC, no_data_text="No load runs.")) == "No load runs."
