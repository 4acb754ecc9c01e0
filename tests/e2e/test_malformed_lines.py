"""Malformed lines crash nothing, and each is stored or counted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alertdrill.clients.loki import LokiLine
from tests.e2e.log_pipeline import LogPipeline, line, records
from tests.e2e.malformed_lines import cases, days
from tests.e2e.optional_programs import needs_loki_and_collector
from tests.e2e.stack import poll_until

pytestmark = [pytest.mark.stack, pytest.mark.loki, needs_loki_and_collector]
CASES = cases()
# As the native runtime keeps lines, and as Docker does; the names are those of services.
FORMS = ("native", "docker")
IN_PIECES = ("long", "long-json")
SEND_FAILED = "otelcol_exporter_send_failed_log_records_total"
BEHIND = '{service="docker-behind"}'


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogPipeline]:
    """Start Loki and the collector, and write every case in both forms."""
    pipeline = LogPipeline(tmp_path_factory.mktemp("malformed"))
    try:
        pipeline.start()
        for name, case in CASES.items():
            write(pipeline, "native", name, case.content)
            write(pipeline, "docker", name, case.content)
        # Half a line waits for its end, so it comes last.
        for form in FORMS:
            pipeline.await_lines(f'{{service="{form}-half"}}', 1)
        yield pipeline
    finally:
        pipeline.close()


def write(pipeline: LogPipeline, form: str, name: str, content: bytes) -> None:
    if form == "native":
        pipeline.write(f"native-{name}-1.jsonl", content)
    else:
        (pipeline.files / name).mkdir(exist_ok=True)
        tagged = records(f"alertdrill-docker-{name}-1", content)
        pipeline.write(f"{name}/{name}-json.log", tagged)


def lines_of(pipeline: LogPipeline, form: str, name: str) -> list[LokiLine]:
    return pipeline.find(f'{{service="{form}-{name}",instance="{form}-{name}-1"}}')


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", [name for name in CASES if name not in IN_PIECES])
def test_line_is_stored_completely(pipeline: LogPipeline, form: str, name: str) -> None:
    case = CASES[name]
    lines = lines_of(pipeline, form, name)
    assert [line.message for line in lines] == list(case.messages)
    assert [line for line in lines if not case.fields.items() <= line.fields.items()] == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", IN_PIECES)
def test_long_line_is_stored_in_pieces(pipeline: LogPipeline, form: str, name: str) -> None:
    *cut, last = lines_of(pipeline, form, name)
    assert "".join(piece.message for piece in [*cut, last]) == CASES[name].messages[0]
    # A piece of Docker's has a record more than 256 KiB.
    assert [piece.fields.get("cut") for piece in cut] == ["true"] * (4 if form == "native" else 3)
    assert "cut" not in last.fields


def test_cut_pieces_are_counted(pipeline: LogPipeline) -> None:
    logql = 'sum(count_over_time({service=~".+-long.*"} | cut="true" [1h]))'
    (row,) = pipeline.store.get("/loki/api/v1/query", query=logql)["data"]["result"]
    assert row["value"][1] == str(2 * 4 + 2 * 3)


def test_nothing_was_refused(pipeline: LogPipeline) -> None:
    sent = pipeline.metric("collector", "otelcol_exporter_sent_log_records_total")
    assert sent == pipeline.metric("loki", "loki_distributor_lines_received_total") > len(CASES)
    assert pipeline.metric("collector", SEND_FAILED) == 0
    assert pipeline.metric("loki", "loki_discarded_samples_total") == 0


def test_nothing_crashed_or_logged_an_error(pipeline: LogPipeline) -> None:
    assert pipeline.running("loki")
    assert pipeline.running("collector")
    assert '"level":"error"' not in pipeline.log("collector")


def test_refused_line_is_counted(pipeline: LogPipeline) -> None:
    """Natively only the line has a time, so its stream may start in the past."""
    for form in FORMS:
        write(pipeline, form, "behind", line(message="now") + line(timestamp=days(-2)))
    (late,) = (line for line in pipeline.await_lines(BEHIND, 2) if line.message == "a line")
    assert "timestamp" in late.fields
    # Loki does not tell the collector which streams of a request it took.
    poll_until(
        lambda: pipeline.metric("loki", "loki_discarded_samples_total", reason="too_far_behind"),
        "Loki to count what it refused",
        10,
    )
    assert [line.message for line in lines_of(pipeline, "native", "behind")] == ["now"]
    assert "entry too far behind" in pipeline.log("loki")
