"""Lines of the log contract, as programs write them and as Loki stores them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from alertdrill.clients.loki import LokiLine
from alertdrill.logs.parse import flatten
from alertdrill.logs.record import LEVELS

LINE: dict[str, Any] = {
    "timestamp": "2026-11-23T10:20:30.456Z",
    "level": "WARNING",
    "logger": "app",
    "message": "slow",
    "service": "web",
    "instance": "web-1",
    "version": "1",
    "trace_id": None,
    "span_id": None,
    "request_id": None,
}
TRACE = "0af7651916cd43dd8448eb211c80319c"
ACCESS: dict[str, Any] = {
    **LINE,
    "level": "ERROR",
    "logger": "access",
    "message": "POST /process",
    "trace_id": TRACE,
    "span_id": "b7ad6b7169203331",
    "request_id": "r-1",
    "method": "POST",
    "route": "/process",
    "path": "/process",
    "status": 503,
    "duration_ms": 12.0,
    "client": "127.0.0.1",
}
# What Loki adds to each line of the contract.
ADDED = {"observed_timestamp": "1795426831000000000", "severity_number": "13", "severity_text": "W"}


def in_loki(line: Mapping[str, Any], offset_ns: int = 7) -> LokiLine:
    """Return a line of web-1 as Loki stores it: the time apart, other fields flattened."""
    owner = {"service": "web", "instance": "web-1"}
    rest = {name: line[name] for name in line if name not in ("timestamp", "message", *owner)}
    claims = {f"{name}_extracted": line[name] for name in owner if line[name] != owner[name]}
    time = datetime.fromisoformat(line["timestamp"]).replace(tzinfo=UTC)
    at = round(time.timestamp() * 1000) * 1_000_000 + offset_ns
    return LokiLine(at, {**flatten({**rest, **claims}), **owner, **ADDED}, line["message"])


def text(line: Mapping[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False)


# Everything that UTF-8 can hold.
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
# Words that LogQL, regular expressions or templates could take for their own.
special_text = st.sampled_from(
    ['"', "`", "\\", "{{.}}", "}", "|", ".*", "(", "$", "=~", "status=503", "\\Q", "a\\", " ", "é"]
)
texts = any_text | st.lists(special_text | st.text("ab", max_size=2), max_size=4).map("".join)
names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name not in LINE)
values: st.SearchStrategy[object] = st.one_of(
    texts,
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)
extras = st.dictionaries(names, values | st.dictionaries(names, values, max_size=3), max_size=3)
times = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1)).map(
    lambda time: time.isoformat(timespec="milliseconds") + "Z"
)
contract = st.builds(
    lambda extra, base, common: {**extra, **base, **common},
    extras,
    st.sampled_from([LINE, ACCESS]),
    st.fixed_dictionaries(
        {
            "timestamp": times,
            "level": st.sampled_from(LEVELS),
            "message": texts,
            "service": st.sampled_from(["web", "data-service", "lb"]),
            "instance": st.sampled_from(["web-1", "web-2", "lb-1"]),
            "trace_id": st.sampled_from([None, TRACE, "1" * 32]),
            "request_id": st.none() | texts,
        }
    ),
)
