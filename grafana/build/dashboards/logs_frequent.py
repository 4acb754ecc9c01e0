"""What the logs say most."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from ..look import Look
from ..page import Panels, Section
from ..panels import series
from ..queries import logged, logged_now
from ..rules import limit
from ..states import rows

CHOSEN = '{service=~"$service", level=~"$level"}'
TROUBLE = '{service=~"$service", level=~"ERROR|CRITICAL"}'
# As LogPatternSuspicious asks it.
REFUSED = '{service="lb"} | frontend="public" | status >= 400 | status < 500'
# The message itself is no field: its beginning becomes one, to count by.
SAID = "| label_format said=`{{ __line__ | trunc 120 }}`"


def frequent() -> Section:
    """Return the panels of messages, exceptions and refusals."""
    return Section(
        "What is said most?",
        [*_messages(), *_suspicious()],
    )


def _messages() -> Panels:
    return [
        rows(
            Look(
                "Which messages are the most frequent?",
                "One that outnumbers all others is where to begin. The first 120 characters"
                " count as the message.",
                units.Short,
                ["ErrorLogBurst", "LogFlood"],
                size=(12, 10),
            ),
            {"service": "Service", "level": "Level", "said": "Message", "Value #A": "Lines"},
            logged_now(
                f"topk(15, sum by (service, level, said) (count_over_time({CHOSEN} {SAID}"
                " [$__range])))"
            ),
            sort="Lines",
        ),
        rows(
            Look(
                "Which exceptions are the most frequent?",
                "Each is a bug, or a failure behind the service that it does not handle. An"
                " empty list is what you want to see.",
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
            logged_now(
                "topk(15, sum by (service, exception_type, exception_message)"
                f" (count_over_time({TROUBLE} | exception_type != `` [$__range])))"
            ),
            sort="Lines",
        ),
    ]


def _suspicious() -> Panels:
    return [
        series(
            Look(
                "How many exceptions a second does each service meet?",
                "Over the line an alert fires: the types and stacks are in the lines above.",
                units.OpsPerSecond,
                ["UnhandledExceptions"],
                [limit("UnhandledExceptions")],
                size=(12, 8),
            ),
            logged(
                "sum by (service, exception_type)"
                f" (rate({TROUBLE} | exception_type != `` [$__auto]))",
                "{{service}} {{exception_type}}",
            ),
        ),
        series(
            Look(
                "How many requests of a client are refused?",
                "Over the line one client is a scanner, or a program that never waits: its"
                " address is the line's name.",
                units.RequestsPerSecond,
                ["LogPatternSuspicious"],
                [limit("LogPatternSuspicious", ")")],
                size=(12, 8),
            ),
            logged(
                f"topk(10, sum by (client) (rate({REFUSED} [$__auto])))",
                "{{client}}",
            ),
        ),
    ]
