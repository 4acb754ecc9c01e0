"""Whether a load was counted alike by everybody: Locust, the load balancer, web and its lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ..audit.growth import growth
from ..drills.clients import Prometheus
from ..runtimes import Runtime
from .observed import BEFORE, REQUESTS, Span
from .stats import Numbers
from .verdict import Check

# The start page is asked for by our own probe too, and so is left out.
START_PAGE = ("GET", "/")
COUNTED = 'flask_http_request_duration_seconds_count{service="web"}'
ANSWERED = 'haproxy_server_http_responses_total{proxy="web"}'
AGAIN = 'haproxy_backend_retry_warnings_total{proxy="web"}'
# A probe may pass between the scrapes of the load balancer and of web.
PROBES = 1
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
    own: int = 0
    again: int = 0


def counts(
    prometheus: Prometheus,
    span: Span,
    sent: Mapping[tuple[str, str], Numbers],
    lines: int | None,
) -> Counts:
    """Ask Prometheus, which must have scraped everybody after the load."""
    since = f"[{time.time() - span.begin + BEFORE:.0f}s]"
    of_lb = prometheus.query(f"haproxy_process_start_time_seconds{since}")
    of_web = prometheus.query(f'process_start_time_seconds{{service="web"}}{since}')
    pages, rest = (
        growth(prometheus.query(f'{COUNTED[:-1]},url_rule{sign}"/"}}{since}'), of_web, span.begin)
        for sign in ("=", "!=")
    )
    every, answered, again = (
        growth(prometheus.query(f"{counter}{since}"), of_lb, span.begin)
        for counter in (REQUESTS, ANSWERED, AGAIN)
    )
    return Counts(
        locust=sum(one.requests for name, one in sent.items() if name != START_PAGE),
        lb=every - pages,
        web=rest,
        lines=lines,
        own=max(0, every - answered),
        again=again,
    )


def check(found: Counts) -> Check:
    """Say whether all agree: to the request, but for what the load balancer did of its own."""
    spare = found.own + found.again
    off = [found.web - found.locust, *([] if found.lines is None else [found.lines - found.web])]
    lb = abs(found.lb - found.locust) <= PROBES + spare
    told = [f"lb {found.lb:,}", f"web {found.web:,}"]
    told += [] if found.lines is None else [f"lines {found.lines:,}"]
    told += [f"by the lb itself {found.own:,}"] if found.own else []
    told += [f"sent again {found.again:,}"] if found.again else []
    return Check(
        "counted alike",
        "all, but for the start page",
        [f"{found.locust:,}", ", ".join(told)],
        lb and all(abs(each) <= spare for each in off),
    )


class LineCount:
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
def counting(runtime: Runtime) -> Iterator[LineCount]:
    """Count web's access lines meanwhile; what was written until the end is counted."""
    counter = LineCount()
    thread = threading.Thread(target=counter.follow, args=[runtime], daemon=True)
    thread.start()
    try:
        yield counter
    finally:
        counter.stop()
        thread.join(timeout=10)  # it looks several times a second
