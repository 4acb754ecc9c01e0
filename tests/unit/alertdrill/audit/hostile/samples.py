"""Lines and outcomes as a stack makes them."""

from __future__ import annotations

import json
from typing import Any

from alertdrill.audit.hostile.client import Outcome, source_address
from alertdrill.audit.hostile.inputs import Input
from alertdrill.audit.hostile.responses import Response

NUMBER = 5
CLIENT = source_address(NUMBER)
TRACE = "a" * 32


def an_input(number: int = NUMBER, **more: Any) -> Input:
    values = {"kind": "described", "data": b"GET / HTTP/1.1\r\n\r\n", "methods": ("GET",)}
    return Input(number, **{**values, **more})


def an_outcome(*responses: Response, item: Input | None = None, **more: Any) -> Outcome:
    return Outcome(item or an_input(), responses, **more)


def service_line(service: str = "web", status: int = 200, id_: str = "a") -> str:
    fields = {"logger": "access", "service": service, "request_id": id_, "trace_id": TRACE}
    return json.dumps({**fields, "status": status, "client": CLIENT}, separators=(",", ":"))


def lb_line(status: int = 200, id_: str = "a", **more: Any) -> str:
    values = {
        "logger": "access",
        "service": "lb",
        "request_id": id_,
        "trace_id": TRACE if id_ != "-" else "-",
        "status": status,
        "client": CLIENT,
        "frontend": "public",
        "backend": "web",
        "server": "web-1",
        "ended": "--",
        "retries": "0",
    }
    return json.dumps(values | more, separators=(",", ":"))


def bad_request(status: int = 400, ended: str = "PR") -> str:
    """Return the line of what HAProxy refuses to parse."""
    return lb_line(status, "-", backend="public", server="<NOSRV>", ended=ended)
