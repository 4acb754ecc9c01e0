"""The panels of the dashboard `logs` that show the most frequent messages and exceptions."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from ..dashboard_builder import Panels, Section
from ..panel_style import PanelSpec
from ..panels import series
from ..queries import instant_log_query, log_query
from ..rules import limit
from ..state_panels import table_panel

CHOSEN = '{service=~"$service", level=~"$level"}'
TROUBLE = '{service=~"$service", level=~"ERROR|CRITICAL"}'
# As in LogPatternSuspicious.
REFUSED = '{service="lb"} | frontend="public" | status >= 400 | status < 500'
# The message is not a field, so its beginning becomes one to group by.
MESSAGE_LABEL = "| label_format text=`{{ __line__ | trunc 120 }}`"


def top_messages() -> Section:
    """Return the panels of messages, exceptions and rejected requests."""
    return Section(
        "What is logged most often?",
        [*_messages(), *_suspicious()],
    )


def _messages() -> Panels:
    return [
        table_panel(
            PanelSpec(
                "Which messages are the most frequent?",
                "Start with a message that outnumbers all others. The first 120 characters count"
                " as the message.",
                units.Short,
                ["ErrorLogBurst", "LogFlood"],
                size=(12, 10),
            ),
            {"service": "Service", "level": "Level", "text": "Message", "Value #A": "Lines"},
            instant_log_query(
                f"topk(15, sum by (service, level, text) (count_over_time({CHOSEN} {MESSAGE_LABEL}"
                " [$__range])))"
            ),
            sort="Lines",
        ),
        table_panel(
            PanelSpec(
                "Which exceptions are the most frequent?",
                "Each is a bug, or a failure of another service that is not handled. An empty"
                " list is the normal state.",
                units.Short,
                ["UnhandledExceptions"],
                size=(12, 10),
            ),
            {
                "service": "Service",
                "exception_type": "Type",
                "exception_message": "Message",
                "Value #A": "Lines",
            },
            instant_log_query(
                "topk(15, sum by (service, exception_type, exception_message)"
                f" (count_over_time({TROUBLE} | exception_type != `` [$__range])))"
            ),
            sort="Lines",
        ),
    ]


def _suspicious() -> Panels:
    return [
        series(
            PanelSpec(
                "How many exceptions per second does each service raise?",
                "Above the line an alert fires. Types and stacks are in the lines above.",
                units.OpsPerSecond,
                ["UnhandledExceptions"],
                [limit("UnhandledExceptions")],
                size=(12, 8),
            ),
            log_query(
                "sum by (service, exception_type)"
                f" (rate({TROUBLE} | exception_type != `` [$__auto]))",
                "{{service}} {{exception_type}}",
            ),
        ),
        series(
            PanelSpec(
                "How many requests of each client are rejected?",
                "A client above the line is a scanner, or a program that retries without a delay."
                " The name of the series is its address.",
                units.RequestsPerSecond,
                ["LogPatternSuspicious"],
                [limit("LogPatternSuspicious", ")")],
                size=(12, 8),
            ),
            log_query(
                f"topk(10, sum by (client) (rate({REFUSED} [$__auto])))",
                "{{client}}",
            ),
        ),
    ]
