"""The kill matrix, from the results of `alertdrill kill-matrix` in kill_matrix.json."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from alertdrill.errors import AlertdrillError
from alertdrill.kill_matrix.result import RowResult, read
from alertdrill.kill_matrix.table import markdown

from .errors import GenerateError
from .markdown import document

RESULTS = Path(__file__).with_name("kill_matrix.json")
# Above this load per core, a machine has more work than this command and its stack.
BUSY = 2
TITLES = {"native": "Processes", "compose": "Containers"}


def page() -> str:
    """Return the page."""
    try:
        rows = read(RESULTS).rows
    except AlertdrillError as error:
        raise GenerateError(str(error)) from error
    return document(
        "Kill matrix",
        "`alertdrill kill-matrix` breaks one copy and all copies of each component, while requests"
        " arrive steadily through the load balancer. A row has one fault, from the steady state:",
        "- **Fault**: `kill -9`, by the engine for containers (`docker kill`); a stop as"
        " `alertdrill stop` does it; a pause, which is SIGSTOP for processes and `docker pause`"
        " for containers.\n"
        "- **Recovery**: the seconds from the fault until each instance is ready, Prometheus"
        " scrapes each target, and the load balancer sends requests to each server. A fault that"
        " lasts longer than the timeout is undone. After a stop, the responder starts"
        " instances of services, and the control API other components after ten minutes at speed"
        " 1. *Never* means that the fault took every copy of what heals: the control API, its"
        " proxies or supervisord. Then `ControlDown` pages.\n"
        "- **Lost**: the requests without a 200 response, as the client counts them, of those that"
        " it sent until the recovery or the undo. It waits 10 s for a response.\n"
        "- **Recovered by**: what recovered the component. **Alerts**: what fired until then.\n"
        "- **Notified**: the alerts that reached the responder until then, with their severity."
        " `page` needs a person now, `ticket` in working hours. The responder is the only receiver"
        " of Alertmanager, so no notification arrives while it is down.",
        "The speed divides the durations of scrapes, rules, routes and healing, but not the start"
        " of a process. What takes 5 s for an alert at speed 12 takes a minute at speed 1.",
        "A row that is absent, or *not measured*, has no result yet.",
        *_tables(rows),
        "## The engine",
        "The command does not stop the engine of containers: others may use it, and the command"
        " runs in one of its containers. While the engine is down, its containers are down too,"
        " with all that could notify someone. `restart: always` starts them with the engine: after"
        " `kill -9` of engine 20.10.24 and of 28.5.2, on two cores, all containers are healthy"
        " again after 40 s, or 80 s on a busy machine, and requests are refused until the"
        " services are back. `tests/e2e/test_engine_killed.py` does this. To be notified"
        " meanwhile, let another host expect the `Watchdog` notification.",
        "## Measure it again",
        "```sh\n"
        "alertdrill kill-matrix                                # every row, in an ephemeral stack\n"
        "alertdrill kill-matrix --only web --fault kill        # some rows\n"
        "alertdrill kill-matrix --missing                      # the rows that have no result yet\n"
        "cp var/kill-matrix.json docs/generate/kill_matrix.json   # then `make docs`\n"
        "```",
        "Each fault is on record before it begins, so a run that is killed leaves no component"
        " frozen: its rollback guard undoes the fault. The results of all runs are in"
        " `var/kill-matrix.json`, and their table in `var/kill-matrix.md`.",
    )


def _tables(rows: Sequence[RowResult]) -> Iterator[str]:
    for runtime, title in TITLES.items():
        own = [row for row in rows if row.runtime == runtime]
        yield f"## {title}"
        if own:
            yield _conditions(own)
            yield markdown(own)
        else:
            yield "No row is measured yet."


def _conditions(rows: Sequence[RowResult]) -> str:
    """Return how the rows were measured, in one sentence."""
    conditions = [row.conditions for row in rows]
    days = sorted(
        {datetime.fromtimestamp(item.began, UTC).date().isoformat() for item in conditions}
    )
    loads = [load for item in conditions for load in (item.load_before, item.load_after)]
    cores, speeds, rates, timeouts = (
        " or ".join(f"{value:g}" for value in sorted({getattr(item, name) for item in conditions}))
        for name in ("cores", "speed", "rate", "timeout")
    )
    busy = ", busy with other work too" if max(loads) > BUSY * conditions[0].cores else ""
    return (
        f"Measured on {' and '.join(days)} at speed {speeds}, with {rates} requests per second and"
        f" a timeout of {timeouts} s, on a machine with {cores} cores{busy}: its load average of"
        f" five minutes was {min(loads):.1f} to {max(loads):.1f}."
    )
