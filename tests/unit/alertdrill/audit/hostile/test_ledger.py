from collections.abc import Sequence

import pytest

from alertdrill.audit.hostile.client import Outcome
from alertdrill.audit.hostile.inputs import LEAVES
from alertdrill.audit.hostile.ledger import SETTLE_S, Ledger
from alertdrill.audit.hostile.responses import Response

from .samples import NUMBER, an_input, an_outcome, bad_request, lb_line, service_line

OK = an_outcome(Response(200, "a"))
BAD = an_outcome(Response(400, ""))


def ledger_of(
    outcomes: Sequence[Outcome], lines: Sequence[str], own_addresses: bool = True
) -> Ledger:
    ledger = Ledger(["web", "data-service"], own_addresses)
    for outcome in outcomes:
        ledger.add_outcome(outcome, 0)
    for line in lines:
        ledger.add_line(line, 0)
    return ledger


def reasons(ledger: Ledger) -> list[str]:
    return [finding.reason for finding in (*ledger.failures, *ledger.unexplained())]


CALL = [
    lb_line(),
    service_line(),
    lb_line(frontend="internal", backend="data-service-large", server="data-service-2"),
    service_line("data-service"),
]
EXPLAINED = {
    "request": ([OK], [lb_line(), service_line()]),
    "call": ([OK], CALL),
    "refused by the load balancer": (
        [an_outcome(Response(414, "a"))],
        [lb_line(414, server="<NOSRV>", ended="LR")],
    ),
    "not parsed": ([BAD], [bad_request()]),
    "retried": ([OK], [lb_line(retries="+1"), service_line(), service_line()]),
    "client left, no line of the service": (
        [an_outcome(left=True)],
        [lb_line(-1, ended="CD")],
    ),
    "client left, with a line of the service": (
        [an_outcome(item=an_input(end=LEAVES), left=True)],
        [lb_line(-1, ended="CD"), service_line()],
    ),
    "client left before an answer of the load balancer": (
        [an_outcome(left=True)],
        [lb_line(400, server="<NOSRV>", ended="LR")],
    ),
    "client ended its side after one of two responses": (
        [an_outcome(Response(200, "a"), item=an_input(methods=()))],
        [lb_line(), service_line(), lb_line(400, "b", server="<NOSRV>", ended="LR")],
    ),
    "client sent nothing": ([an_outcome(Response(400, ""), item=an_input(data=b""))], []),
    "probe": ([], [lb_line(client="127.0.0.1"), service_line()]),
    "other program": ([], ['{"logger":"access","service":"responder","request_id":"x",'
                           '"trace_id":"","status":200,"client":""}']),
}  # fmt: skip


@pytest.mark.parametrize("case", EXPLAINED)
@pytest.mark.parametrize("own_addresses", [True, False])
def test_what_matches_is_explained_and_dropped(case: str, own_addresses: bool) -> None:
    ledger = ledger_of(*EXPLAINED[case], own_addresses)
    assert reasons(ledger) == []
    assert ledger.settle(SETTLE_S) == 0


UNEXPLAINED = {
    "no line of the service": ([OK], [lb_line()], "web has 0 lines"),
    "two lines of the service": ([OK], [lb_line(), service_line(), service_line()], "web has 2"),
    "another id": ([OK], [lb_line(), service_line(id_="b")], "web has 0 lines"),
    "another status": ([OK], [lb_line(), service_line(status=404)], "other statuses"),
    "no line of the load balancer": ([OK], [], "no line of a response 200"),
    "a line too many": ([OK], [lb_line(), service_line(), bad_request()], "no response to a line"),
    "response with another id": (
        [an_outcome(Response(200, "b"))],
        [lb_line(), service_line()],
        "no response to a line",
    ),
    "no answer": ([an_outcome()], [], "without an answer"),
    "call without a request": ([], CALL[2:], "without a request"),
    "server error": (
        [an_outcome(Response(503, "a"))],
        [lb_line(503, server="<NOSRV>")],
        "response 503",
    ),
    "server error in a line": ([], [service_line("web", 500)], "status 500"),
    "hang": ([an_outcome(hangs=True, left=True)], [], "hang"),
    "operations": ([an_outcome(Response(200, "a", of_operations=True))], CALL, "operations"),
    "broken line": ([], ['{"logger":"access","service":'], "broken access line"),
    "HTTP/2": ([an_outcome(rest=b"\0\0\6\4")], [bad_request(0)], "no response: b'\\x00"),
    "no HTTP": ([an_outcome(Response(200, "a"), rest=b"x")], CALL, "no response: b'x'"),
}


@pytest.mark.parametrize("case", UNEXPLAINED)
def test_what_does_not_match_is_a_finding(case: str) -> None:
    outcomes, lines, reason = UNEXPLAINED[case]
    assert any(reason in item for item in reasons(ledger_of(outcomes, lines)))


def test_finding_names_its_input() -> None:
    [finding] = ledger_of([OK], [lb_line()]).unexplained()
    assert finding.number == NUMBER


def test_lines_may_arrive_late() -> None:
    ledger = ledger_of([OK], [lb_line()])
    assert ledger.settle(SETTLE_S) == 1
    ledger.add_line(service_line(), 2 * SETTLE_S)
    assert ledger.settle(3 * SETTLE_S) == 0
    assert ledger.unexplained() == []


def test_late_duplicate_is_a_finding() -> None:
    ledger = ledger_of([OK], [lb_line(), service_line()])
    assert ledger.settle(SETTLE_S) == 0
    ledger.add_line(service_line(), SETTLE_S)
    assert len(ledger.unexplained()) == 1


def test_responses_without_an_id_are_counted_where_addresses_are_not_known() -> None:
    ledger = ledger_of([BAD, BAD], [bad_request()], own_addresses=False)
    assert reasons(ledger) == ["+1 responses 400 without an id than lines"]


def test_lines_are_counted_as_haproxy_counts_them() -> None:
    lines = [
        lb_line(),
        service_line(),
        bad_request(),
        bad_request(408, ended="cR"),
        lb_line(-1, server="<NOSRV>", ended="CR"),
        lb_line(414, server="<NOSRV>", ended="LR"),
        lb_line(-1, ended="CD"),
    ]
    ledger = ledger_of([], lines)
    assert ledger.line_counts == {"public": 6, "web": 1}


@pytest.mark.parametrize("own_addresses", [True, False])
def test_client_that_left_may_be_counted_without_a_line(own_addresses: bool) -> None:
    left = an_outcome(item=an_input(end=LEAVES), left=True)
    assert ledger_of([OK, left], [], own_addresses=own_addresses).left == 1
