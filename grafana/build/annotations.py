"""Annotations of all panels: alerts, drills, loads and actions."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import AnnotationQuery
from grafana_foundation_sdk.cog import builder as cogbuilder
from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.cog.runtime import UnknownDataquery
from grafana_foundation_sdk.models import dashboard

from . import colours
from .queries import GRAFANA, PROMETHEUS, range_query, target

# The first tag of our annotations; the second is their kind.
TAG = "alertdrill"
# The newest ones, enough for an alert storm.
MAX_ANNOTATIONS = 100
# Pages and tickets. Watchdog always fires, and Overprovisioned is not a problem.
FIRING = 'ALERTS{alertstate="firing", severity=~"page|ticket"}'


class Tags(cogbuilder.Builder[variants.Dataquery]):
    """A query of Grafana's own annotations, for which the SDK has no builder."""

    def __init__(self, *tags: str) -> None:
        self._tags = list(tags)

    def build(self) -> variants.Dataquery:
        """Return the query."""
        query = {"limit": MAX_ANNOTATIONS, "matchAny": False, "tags": self._tags, "type": "tags"}
        return UnknownDataquery(query)


def annotation_queries() -> list[cogbuilder.Builder[dashboard.AnnotationQuery]]:
    """Return the annotations of all dashboards; each can be switched off at the top."""
    return [
        alerts(),
        _tagged("Drills", "drill", colours.PURPLE),
        _tagged("Loads", "load", colours.BLUE),
        _tagged("Actions", "action", colours.GREEN),
    ]


def alerts() -> AnnotationQuery:
    """Return the annotations of firing alerts."""
    return (
        AnnotationQuery()
        .name("Alerts")
        .enable(True)
        .datasource(PROMETHEUS)
        .icon_color(colours.VERMILLION)
        .target(target(range_query(FIRING), "Anno"))
        .title_format("{{alertname}}")
        .text_format("{{service}} {{instance}}")
        .tag_keys("severity,service")
    )


def _tagged(name: str, tag: str, colour: str) -> AnnotationQuery:
    return (
        AnnotationQuery()
        .name(name)
        .enable(True)
        .datasource(GRAFANA)
        .icon_color(colour)
        .target(Tags(TAG, tag))
    )
