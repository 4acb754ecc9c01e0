import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alertdrill.logs.parse import parse_file_line
from alertdrill.logs.query import Query
from alertdrill.logs.record import LEVELS
from tests.unit.alertdrill.logs.lines import ACCESS, LINE, TRACE, contract, in_loki, text, texts
from tests.unit.alertdrill.logs.logql import selects

queries = st.builds(
    Query,
    level=st.none() | st.sampled_from(LEVELS),
    trace=st.none() | st.sampled_from([TRACE, "2" * 32]),
    text=st.none() | texts.filter(lambda text: text != "" and text.isprintable()),
)


@given(queries, contract)
@example(Query(text="status=503"), ACCESS)
@example(Query(text='"'), {**LINE, "message": 'a "quoted" word'})
@example(Query(text="status="), LINE)
@example(Query(text="status=5"), ACCESS)
@example(Query(text="zone=b"), {**LINE, "zone": "b1"})
def test_query_selects_the_same_lines_in_loki_and_in_files(
    query: Query, line: dict[str, Any]
) -> None:
    record = parse_file_line("web-1", text(line), 0)
    assert selects(query.logql({}), in_loki(line)) == query.matches(record)


@given(contract, st.data())
def test_text_matches_any_field(line: dict[str, Any], data: st.DataObject) -> None:
    record = parse_file_line("web-1", text(line), 0)
    name, value = data.draw(st.sampled_from(sorted(record.fields.items())))
    assert Query(text=f"{name}={value}").matches(record)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("POST /pro", True),  # the message
        ("127.0.0", True),
        ("503", True),
        ("r-1", True),
        ("status=50", True),
        ("status=03", False),
        ("tatus=503", False),
        ("service=web", True),
        ("web", False),  # which is what a target is for
        ("client", False),
        ("route=", True),
        ("zone=", False),
    ],
)
def test_text_matches_the_message_or_one_field(part: str, expected: bool) -> None:
    assert Query(text=part).matches(parse_file_line("web-1", text(ACCESS), 0)) == expected


@pytest.mark.parametrize(
    ("level", "expected"),
    [("DEBUG", 5), ("INFO", 4), ("WARNING", 3), ("ERROR", 2), ("CRITICAL", 1), (None, 6)],
)
def test_level_matches_itself_and_higher_levels(level: str | None, expected: int) -> None:
    lines = [parse_file_line("web-1", text({**LINE, "level": bound}), 0) for bound in LEVELS]
    lines.append(parse_file_line("web-1", "Traceback", 0))
    assert sum(Query(level=level).matches(line) for line in lines) == expected


@pytest.mark.parametrize(
    ("since", "until", "passes"),
    [(None, 1, True), (None, 0, False), (0, None, True), (1, None, False), (0, 1, True)],
)
def test_since_is_inclusive_and_until_exclusive(
    since: int | None, until: int | None, passes: bool
) -> None:
    record = parse_file_line("web-1", text(LINE), 0)
    begin, end = (None if bound is None else record.at + bound for bound in (since, until))
    assert Query(since=begin, until=end).matches(record) == passes


def test_text_does_not_match_across_fields() -> None:
    record = parse_file_line("web-1", text({**LINE, "message": "a", "zone": "b"}), 0)
    assert not Query(text="a b").matches(record)
    assert not Query(text="a\nb").matches(record)


@pytest.mark.parametrize(
    ("query", "labels", "expected"),
    [
        (Query(), {}, '{service=~".+"}'),
        (
            Query(level="ERROR", trace=TRACE),
            {"service": "web"},
            f'{{service="web", level=~"ERROR|CRITICAL"}} | trace_id="{TRACE}"',
        ),
    ],
)
def test_logql_has_labels_first(query: Query, labels: dict[str, str], expected: str) -> None:
    assert query.logql(labels) == expected


def test_text_is_escaped_for_regex_and_string() -> None:
    logql = Query(text='a"b.`c').logql({})
    assert json.dumps('(?s).*a"b\\.\\x60c.*') in logql
    assert "\n" not in logql
    assert "`" not in logql
