import pytest

from grafana.proof.errors import ProofError
from grafana.proof.span import Span, span

NOW = 1_700_000_000_000


def test_span_is_relative_to_now() -> None:
    assert span("now-1h", "now", NOW) == Span(NOW - 3_600_000, NOW)
    assert span("now-2h", "now-1h", NOW).width == 3_600_000


def test_ends_are_whole_steps() -> None:
    assert Span(1003, 2007).aligned(100) == Span(1000, 2000)


@pytest.mark.parametrize(("start", "end"), [("yesterday", "now"), ("now", "now-1h")])
def test_no_span_is_refused(start: str, end: str) -> None:
    with pytest.raises(ProofError):
        span(start, end, NOW)
