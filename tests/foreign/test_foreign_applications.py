"""Telemetry changes no answer of a foreign application, and counts and logs each request once."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.foreign.cases import Application, Case
from tests.foreign.compare import ADDED, differences
from tests.foreign.http_client import Answer
from tests.foreign.logs import (
    access_line_problems,
    contract_violations,
    message_problems,
    read_lines,
)
from tests.foreign.recording import (
    IN_FLIGHT,
    OPERATIONS,
    REQUESTS,
    Recording,
    count_problems,
    record,
)
from tests.foreign.servers import (
    BARE,
    INSTRUMENTED,
    INSTRUMENTED_ON_GRANIAN,
    OUR_GUNICORN,
    TWO_WORKERS,
    Server,
    StartError,
)

MODULES = {
    file.stem: importlib.import_module(f"tests.foreign.apps.{file.stem}")
    for file in sorted(Path(__file__).with_name("apps").glob("*.py"))
}
APPLICATIONS: dict[str, Application] = {
    name: module.APPLICATION for name, module in MODULES.items() if hasattr(module, "APPLICATION")
}
# Where the server has a say: bodies, broken answers, methods, files, errors that reach it. What
# `mounted` does has other effects there: granian has no `write`, and it takes the status before the
# first chunk.
ON_GRANIAN = (
    *("httpbin", "propagating", "raising_hooks", "routing", "static_files"),
    *("streams", "uploads"),
)
# RFC 9110 and RFC 5789, and the value for all others: a client chooses the method.
METHODS = {
    *("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "_OTHER"),
}


@cache
def _attempt(name: str, server: Server) -> Recording | Exception:
    try:
        return record(name, cases_of(name, server), server)
    # It does not start, does not answer, or answers with something that is not HTTP.
    except (StartError, OSError, ValueError) as error:
        return error


def run(name: str, server: Server) -> Recording:
    """Return the recording of an application under a server; each is made once."""
    recording = _attempt(name, server)
    if isinstance(recording, Exception):
        pytest.fail(f"{name} can't be recorded ({server.name}): {recording}", pytrace=False)
    return recording


def servers(name: str) -> Iterator[Server]:
    """Yield the servers of the instrumented runs."""
    yield INSTRUMENTED
    if not APPLICATIONS[name].keeps_state:
        yield TWO_WORKERS
    if name in ON_GRANIAN:
        yield INSTRUMENTED_ON_GRANIAN


def cases_of(name: str, server: Server) -> list[Case]:
    """Return the cases for a server; what a server answers itself is compared on gunicorn alone."""
    cases = APPLICATIONS[name].cases
    if server is INSTRUMENTED_ON_GRANIAN:
        return [case for case in cases if case.counted != []]
    if server.command is OUR_GUNICORN:
        return [case for case in cases if not case.trusts_script_name]
    return list(cases)


# The ids begin with the application: see conftest.py.
RUNS = [
    pytest.param(name, server, id=f"{name}-{server.name}")
    for name in APPLICATIONS
    for server in servers(name)
]
ANSWERS = [
    pytest.param(
        name,
        server,
        case,
        id=f"{name}-{server.name}-{case.name}",
    )
    for name in APPLICATIONS
    for server in (BARE, *servers(name))
    for case in cases_of(name, server)
]
runs = pytest.mark.parametrize(("name", "server"), RUNS)


def fail_if(problems: Iterator[str] | list[str]) -> None:
    """Fail with a problem a line, without the stack."""
    if problems := list(problems):
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.mark.parametrize(("name", "server", "case"), ANSWERS)
def test_answer_is_that_of_the_bare_application(name: str, server: Server, case: Case) -> None:
    recording = run(name, server)
    if server.bare is None:  # the corpus itself: the application answers what it claims
        answers = recording.answers[case.name]
        assert [answer.status for answer in answers] == list(case.status), case.target
        assert all(answer.complete for answer in answers) == case.complete, case.target
        return
    bare = run(name, server.bare)
    problems = differences(
        bare.answers[case.name],
        recording.answers[case.name],
        (bare.random[case.name], recording.random[case.name]),
    )
    fail_if([f"{case.target}: {problem}" for problem in problems])


@runs
def test_every_answer_has_one_request_id(name: str, server: Server) -> None:
    recording, bare = run(name, server), run(name, server.bare or server)
    fail_if(
        f"{case.name}: the answer has the request ids {ids}"
        for case in cases_of(name, server)
        for own, answer in zip(bare.answers[case.name], recording.answers[case.name], strict=False)
        if not has_one_request_id(case, ids := answer.values(ADDED), own.values(ADDED))
        # The server's own error pages have none, as what a WebSocket library answers.
        and (ids or made_by_application(answer))
    )


def has_one_request_id(case: Case, ids: Sequence[str], own: Sequence[str]) -> bool:
    """Return whether an answer has the application's own id, or else the client's, or a new one."""
    if own:
        return ids == own
    # gunicorn sends the headers of every call of start_response.
    return len({*ids}) == 1 and (ids[0] == case.name or not case.sends_request_id)


def made_by_application(answer: Answer) -> bool:
    """Return whether an answer comes from the application: gunicorn's own have no date."""
    return bool(answer.values("Date")) and answer.values("Server") == ["gunicorn"]


@pytest.mark.parametrize("path", OPERATIONS)
@runs
def test_operations_answer_whatever_the_hooks(name: str, server: Server, path: str) -> None:
    answer = run(name, server).operations[path]
    assert (answer.status, answer.complete) == (200, True), answer.headers


@runs
def test_every_line_on_stdout_is_a_json_object_of_the_contract(name: str, server: Server) -> None:
    lines, others = read_lines(run(name, server).stdout)
    fail_if([*(f"not JSON: {text}" for text in others), *contract_violations(lines)])


@runs
def test_every_request_has_one_access_line_with_the_clients_status(
    name: str, server: Server
) -> None:
    fail_if(access_line_problems(cases_of(name, server), run(name, server)))


@runs
def test_every_message_of_the_application_is_one_line(name: str, server: Server) -> None:
    fail_if(message_problems(cases_of(name, server), run(name, server)))


SINGLE = [
    parameters for parameters in RUNS if not APPLICATIONS[str(parameters.values[0])].has_several
]


@pytest.mark.parametrize(("name", "server"), SINGLE)
def test_every_request_is_counted_once_with_the_clients_status(name: str, server: Server) -> None:
    recording = run(name, server)
    fail_if(count_problems(recording.counted(), cases_of(name, server), recording))


@runs
def test_no_request_is_in_flight_at_the_end(name: str, server: Server) -> None:
    in_flight = run(name, server).samples(IN_FLIGHT)
    assert [value for _, value in in_flight] == [0]


@runs
def test_methods_of_clients_fold_into_one_label_value(name: str, server: Server) -> None:
    assert {labels["method"] for labels, _ in run(name, server).samples(REQUESTS)} <= METHODS


@pytest.mark.parametrize(
    ("name", "server"),
    [parameters for parameters in RUNS if APPLICATIONS[str(parameters.values[0])].own_metrics],
)
def test_own_metrics_of_the_application_are_shown(name: str, server: Server) -> None:
    application, recording = APPLICATIONS[name], run(name, server)
    expected = dict(application.own_metrics)
    if server is not TWO_WORKERS:
        expected |= application.own_metrics_of_one_worker
    shown = {sample: recording.sample(sample) for sample in expected}
    assert shown == expected
