"""Loki stores lines: found by each field, in few streams, for the retention time."""

from __future__ import annotations

import itertools
import secrets
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.e2e.log_pipeline import DAY, LogPipeline, line
from tests.e2e.malformed_lines import days
from tests.e2e.optional_programs import needs_loki_and_collector
from tests.e2e.stack import poll_until

pytestmark = [pytest.mark.stack, pytest.mark.loki, needs_loki_and_collector]
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# The level of a line without one of these.
UNKNOWN = "UNKNOWN"
# Loki shows fields within fields with a line between them.
EXCEPTION = {"type": "builtins.ValueError", "message": "no", "stack": "Traceback: ..."}
# As the services write it; numbers are text in Loki, which still compares them as numbers.
ACCESS: dict[str, Any] = {
    "level": "ERROR",
    "logger": "access",
    "message": "POST /process",
    "version": "1.2.3",
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "span_id": "b7ad6b7169203331",
    "request_id": "a-request",
    "method": "POST",
    "route": "/process",
    "path": "/process?x=1",
    "status": 500,
    "duration_ms": 12.345,
    "client": "192.0.2.7",
    "exception": EXCEPTION,
}
QUERIES = [
    '|= "POST /process"',
    *(
        f'| {name}="{ACCESS[name]}"'
        for name in sorted(ACCESS.keys() - {"message", "exception", "level", "route"})
    ),
    '| route="/process"',
    "| status >= 500",
    "| duration_ms > 12.3 | duration_ms < 12.4",
    *(f'| exception_{name}="{text}"' for name, text in EXCEPTION.items()),
]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogPipeline]:
    """Start Loki and the collector, and write one line among others."""
    pipeline = LogPipeline(tmp_path_factory.mktemp("kept"))
    try:
        pipeline.start()
        others = b"".join(line(message=f"other {number}") for number in range(20))
        pipeline.write("web-1.jsonl", others + line(**ACCESS))
        pipeline.await_lines('{service="web"}', 21)
        yield pipeline
    finally:
        pipeline.close()


@pytest.mark.parametrize("query", QUERIES)
def test_line_is_found_by_its_field(pipeline: LogPipeline, query: str) -> None:
    assert [line.message for line in pipeline.find(f'{{service="web"}} {query}')] == [
        ACCESS["message"]
    ]


@pytest.mark.parametrize("name", ["service", "instance", "level"])
def test_line_is_found_by_its_label(pipeline: LogPipeline, name: str) -> None:
    value = {"service": "web", "instance": "web-1", "level": "ERROR"}[name]
    lines = pipeline.find(f'{{{name}="{value}"}} | logger="access"')
    assert [line.fields["request_id"] for line in lines] == ["a-request"]


def test_line_is_found_at_its_time(pipeline: LogPipeline) -> None:
    (line,) = pipeline.find('{service="web"} | logger="access"')
    second = 10**9
    around = (line.at - second, line.at + second)
    assert line in pipeline.store.last('{service="web"}', around, 100)
    assert pipeline.store.last('{service="web"}', (line.at + second, line.at + DAY), 100) == []


def test_trace_joins_services(pipeline: LogPipeline) -> None:
    trace = secrets.token_hex(16)
    for service in ("lb", "web", "data-service"):
        # The load balancer begins a trace and has no span.
        span = None if service == "lb" else secrets.token_hex(8)
        content = line(service=service, instance=f"{service}-1", trace_id=trace, span_id=span)
        pipeline.write(f"{service}-1.jsonl", content)
    lines = pipeline.await_lines(f'{{service=~".+"}} | trace_id="{trace}"', 3)
    assert {line.fields["service"] for line in lines} == {"lb", "web", "data-service"}


def test_made_up_labels_add_no_streams(pipeline: LogPipeline) -> None:
    services, instances, claims = ("web", "data-service", "chat"), (1, 2, 3), 40
    for service, number in itertools.product(services, instances):
        source = {"service": service, "instance": f"{service}-{number}"}
        levels = [line(level=level, **source) for level in (*LEVELS, "FATAL", "info", "")]
        made_up = [
            line(**{name: f"made-up-{claim}"}, trace_id=secrets.token_hex(16))
            for claim in range(claims)
            for name in ("service", "instance", "level", "route", "client")
        ]
        pipeline.write(f"{service}-{number}.jsonl", b"".join([*levels, *made_up, b"foreign\n"]))
    expected = len(services) * len(instances) * (len(LEVELS) + 3 + claims * 5 + 1)
    mixture = '{service=~"web|data-service|chat", instance=~".+-[123]"}'
    poll_until(lambda: len(pipeline.find(mixture)) >= expected, "all of the mixture", 30)
    streams = pipeline.metric("loki", "loki_ingester_memory_streams")
    lb = 1
    assert streams <= len(services) * len(instances) * (len(LEVELS) + 1) + lb
    assert pipeline.metric("loki", "loki_discarded_samples_total") == 0


def test_flood_is_delayed_and_complete(tmp_path: Any) -> None:
    """Loki responds with 429; the collector retries until all is stored, within its memory."""
    rate = ("-distributor.ingestion-rate-limit-mb=0.1", "-distributor.ingestion-burst-size-mb=2")
    pipeline = LogPipeline(tmp_path, rate)
    count = 10_000
    try:
        pipeline.start()
        flood = (line(message=f"{number} {'x' * 400}") for number in range(count))
        pipeline.write("web-1.jsonl", b"".join(flood))  # some 6 MB
        poll_until(lambda: counted(pipeline, '{service="web"}') == count, "the flood", 90)
        limited = pipeline.metric("loki", "loki_discarded_samples_total", reason="rate_limited")
        assert limited > 0
        assert pipeline.metric("collector", "otelcol_exporter_send_failed_log_records_total") == 0
        # A fifth of the memory at which it would stop reading.
        rss = pipeline.metric("collector", "otelcol_process_memory_rss_bytes")
        assert rss < 120 * 2**20
    finally:
        pipeline.close()


def test_retention_deletes(tmp_path: Any) -> None:
    """Loki keeps a day at least; the next compaction deletes older lines."""
    pipeline = LogPipeline(tmp_path)
    short = (
        "-store.retention=24h",
        "-compactor.compaction-interval=1s",
        "-compactor.retention-delete-delay=1s",
    )
    try:
        pipeline.start()
        pipeline.write("old-1.jsonl", line(message="old", timestamp=days(-2)))
        pipeline.write("new-1.jsonl", line(message="new"))
        pipeline.await_lines('{service="new"}', 1)
        flush(pipeline)
        poll_until(lambda: messages(pipeline) == {"old", "new"}, "both lines", 10)
        chunks = stored(pipeline)
        pipeline.stop("loki", signal.SIGTERM)
        pipeline.start_loki(*short)
        # What is marked goes with the next round, a minute later at most.
        poll_until(lambda: stored(pipeline) == chunks - 1, "the old chunk to go", 150)
        poll_until(lambda: messages(pipeline) == {"new"}, "only the new line to be left", 30)
    finally:
        pipeline.close()


def messages(pipeline: LogPipeline) -> set[str]:
    """Return the messages that are found of both lines."""
    return {line.message for line in pipeline.find('{service=~"old|new"}', days=4)}


def flush(pipeline: LogPipeline) -> None:
    """Make Loki write its memory to the disk."""
    requests.post(f"http://{pipeline.loki.address}/flush", timeout=10).raise_for_status()


def stored(pipeline: LogPipeline) -> int:
    """Return the number of chunks on the disk."""
    folder = pipeline.layout.data / "loki" / "chunks" / "fake"
    return sum(1 for file in folder.rglob("*") if file.is_file())


def counted(pipeline: LogPipeline, selector: str) -> int:
    """Return the number of lines of the last hour, as Loki counts them."""
    query = f"sum(count_over_time({selector}[1h]))"
    rows = pipeline.store.get("/loki/api/v1/query", query=query)["data"]["result"]
    return int(rows[0]["value"][1]) if rows else 0
