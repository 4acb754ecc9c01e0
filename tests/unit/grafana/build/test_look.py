from __future__ import annotations

import json
from dataclasses import replace

import pytest
from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.build import colours
from grafana.build.errors import BuildError
from grafana.build.look import Look, dress, identity, runbook, steps
from grafana.build.queries import asked, logged
from grafana.build.rules import Limit

HIGH = Limit("High", "page", 5.0, above=True)
LOW = Limit("Low", "ticket", 0.1, above=False)
LOOK = Look("How?", "So.", "short", ["InstanceDown"], [HIGH], size=(6, 4))


def test_colour_changes_at_the_limit() -> None:
    found = [(step.value, step.color) for step in steps([HIGH])]
    assert found == [(None, colours.FINE), (5.0, colours.VERMILLION)]


def test_low_limit_is_bad_below() -> None:
    found = [(step.value, step.color) for step in steps([LOW])]
    assert found == [(None, colours.ORANGE), (0.1, colours.FINE)]


def test_limits_stand_in_their_order() -> None:
    lower = Limit("High", "ticket", 2.0, above=True)
    found = [(step.value, step.color) for step in steps([HIGH, lower])]
    assert found[1:] == [(2.0, colours.ORANGE), (5.0, colours.VERMILLION)]


def test_without_limits_all_is_fine() -> None:
    assert [(step.value, step.color) for step in steps([])] == [(None, colours.FINE)]


def test_id_stays_while_the_title_does() -> None:
    assert identity("How?") == identity("How?") != identity("Why?")
    assert 1 <= identity("How?") <= 1_000_000


def test_runbook_is_the_responders() -> None:
    assert runbook("InstanceDown").build().url == "${responder}/runbooks/InstanceDown"


def test_runbook_of_no_alert_is_refused() -> None:
    with pytest.raises(BuildError, match="no alert Nobody"):
        runbook("Nobody")


def test_panel_has_what_every_panel_has() -> None:
    queries = [asked("up"), asked("vector(1)")]
    panel = json.loads(
        json.dumps(dress(timeseries.Panel(), LOOK, queries).build(), cls=JSONEncoder)
    )
    assert (panel["title"], panel["description"]) == ("How?", "So.")
    assert (panel["gridPos"]["w"], panel["gridPos"]["h"]) == (6, 4)
    assert [target["refId"] for target in panel["targets"]] == ["A", "B"]
    assert panel["fieldConfig"]["defaults"]["unit"] == "short"
    assert [link["title"] for link in panel["links"]] == ["Runbook: InstanceDown"]


def test_source_is_the_querys() -> None:
    panel = dress(timeseries.Panel(), LOOK, [logged("{a=`b`}")]).build()
    assert panel.datasource
    assert panel.datasource.uid == "loki"


def test_panel_may_say_why_there_is_nothing() -> None:
    def said(look: Look) -> str | None:
        panel = dress(timeseries.Panel(), look, [asked("up", "up")]).build()
        assert panel.field_config
        return panel.field_config.defaults.no_value

    assert said(LOOK) is None
    assert said(replace(LOOK, absent="No load runs.")) == "No load runs."
