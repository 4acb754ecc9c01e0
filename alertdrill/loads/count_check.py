"""Whether a load was counted alike by everybody: Locust, the load balancer, web and its lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ..audit.counters import counter_increase
from ..drills.clients import Prometheus
from ..runtimes import Runtime
from .gates import GateResult
from .locust_stats import RequestStats
from .measurements import RANGE_MARGIN_S, REQUESTS, TimeSpan

# The start page is asked for by our own probe too, and so is left out.
START_PAGE = ("GET", "/")
WEB_REQUESTS = 'flask_http_request_duration_seconds_count{service="web"}'
LB_ANSWERS = 'haproxy_server_http_responses_total{proxy="web"}'
LB_RETRIES = 'haproxy_backend_retry_warnings_total{proxy="web"}'
# A probe may pass between the scrapes of the load balancer and of web.
PROBE_TOLERANCE = 1
# In which an access line of web is told from its others without reading it whole.
ACCESS, OF_START_PAGE = '"logger":"access"', '"path":"/",'


@dataclass(frozen=True)
class Counts:
    """Requests but for those of the start page; `lines` is None where nobody counted them.

    `own` are those that the load balancer answered itself, `again` those that it sent twice.
    """

    locust: int
    lb: int
    web: int
    lines: int | None
    lb_answered: int = 0
    retried: int = 0


def query_counts(
    prometheus: Prometheus,
    span: TimeSpan,
    sent: Mapping[tuple[str, str], RequestStats],
    lines: int | None,
) -> Counts:
    """Ask Prometheus, which must have scraped everybody after the load."""
    since = f"[{time.time() - span.begin + RANGE_MARGIN_S:.0f}s]"
    of_lb = prometheus.query(f"haproxy_process_start_time_seconds{since}")
    of_web = prometheus.query(f'process_start_time_seconds{{service="web"}}{since}')
    pages, rest = (
        counter_increase(
            prometheus.query(f'{WEB_REQUESTS[:-1]},url_rule{sign}"/"}}{since}'), of_web, span.begin
        )
        for sign in ("=", "!=")
    )
    every, answered, again = (
        counter_increase(prometheus.query(f"{counter}{since}"), of_lb, span.begin)
        for counter in (REQUESTS, LB_ANSWERS, LB_RETRIES)
    )
    return Counts(
        locust=sum(one.requests for name, one in sent.items() if name != START_PAGE),
        lb=every - pages,
        web=rest,
        lines=lines,
        lb_answered=max(0, every - answered),
        retried=again,
    )


def check_counts(found: Counts) -> GateResult:
    """Say whether all agree: to the request, but for what the load balancer did of its own."""
    spare = found.lb_answered + found.retried
    off = [found.web - found.locust, *([] if found.lines is None else [found.lines - found.web])]
    lb = abs(found.lb - found.locust) <= PROBE_TOLERANCE + spare
    told = [f"lb {found.lb:,}", f"web {found.web:,}"]
    told += [] if found.lines is None else [f"lines {found.lines:,}"]
    told += [f"by the lb itself {found.lb_answered:,}"] if found.lb_answered else []
    told += [f"sent again {found.retried:,}"] if found.retried else []
    return GateResult(
        "counted alike",
        "all, but for the start page",
        [f"{found.locust:,}", ", ".join(told)],
        lb and all(abs(each) <= spare for each in off),
    )


class AccessLineCounter:
    """Counts web's access lines as they are written."""

    def __init__(self) -> None:
        self.lines = 0
        self._over = threading.Event()

    def count(self, text: str) -> None:
        """Count a line if it is one."""
        self.lines += ACCESS in text and OF_START_PAGE not in text

    def follow(self, runtime: Runtime) -> None:
        """Count until `stop`."""
        for added in runtime.follow("web", 0):
            for _, text in added:
                self.count(text)
            if self._over.is_set():
                return

    def stop(self) -> None:
        """Let `follow` return once it has read what is there."""
        self._over.set()


@contextmanager
def count_access_lines(runtime: Runtime) -> Iterator[AccessLineCounter]:
    """Count web's access lines meanwhile; what was written until the end is counted."""
    counter = AccessLineCounter()
    thread = threading.Thread(target=counter.follow, args=[runtime], daemon=True)
    thread.start()
    try:
        yield counter
    finally:
        counter.stop()
        thread.join(timeout=10)  # it looks several times a second
