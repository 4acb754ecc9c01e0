"""What happened, as marks over every panel: alerts, drills, loads and actions."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import AnnotationQuery
from grafana_foundation_sdk.cog import builder as cogbuilder
from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.cog.runtime import UnknownDataquery
from grafana_foundation_sdk.models import dashboard

from . import colours
from .queries import GRAFANA, PROMETHEUS, asked, target

# The first tag of every mark of ours; the second says of what.
TAG = "alertdrill"
# A storm's worth, of the newest.
MOST = 100
# Those that tell of trouble; Watchdog always fires, Overprovisioned is none.
FIRING = 'ALERTS{alertstate="firing", severity=~"page|ticket"}'


class Tags(cogbuilder.Builder[variants.Dataquery]):
    """A query of Grafana's own marks, of which the SDK has a type and no query."""

    def __init__(self, *tags: str) -> None:
        self._tags = list(tags)

    def build(self) -> variants.Dataquery:
        """Return the query."""
        found = {"limit": MOST, "matchAny": False, "tags": self._tags, "type": "tags"}
        return UnknownDataquery(found)


def marks() -> list[cogbuilder.Builder[dashboard.AnnotationQuery]]:
    """Return the marks of every dashboard; each can be switched off at its top."""
    return [
        alerts(),
        _marks("Drills", "drill", colours.PURPLE),
        _marks("Loads", "load", colours.BLUE),
        _marks("Actions", "action", colours.GREEN),
    ]


def alerts() -> AnnotationQuery:
    """Return the marks of the alerts that fire."""
    return (
        AnnotationQuery()
        .name("Alerts")
        .enable(True)
        .datasource(PROMETHEUS)
        .icon_color(colours.VERMILLION)
        .target(target(asked(FIRING), "Anno"))
        .title_format("{{alertname}}")
        .text_format("{{service}} {{instance}}")
        .tag_keys("severity,service")
    )


def _marks(name: str, tag: str, colour: str) -> AnnotationQuery:
    return (
        AnnotationQuery()
        .name(name)
        .enable(True)
        .datasource(GRAFANA)
        .icon_color(colour)
        .target(Tags(TAG, tag))
    )
