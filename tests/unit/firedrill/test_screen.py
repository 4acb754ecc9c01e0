import json
from typing import get_args

import pytest
from rich.console import Console

from firedrill import screen
from firedrill.runtimes import Instance
from firedrill.runtimes.base import State

CONTRACT = {
    "timestamp": "2026-11-23T10:20:30.456Z",
    "level": "WARNING",
    "logger": "app",
    "message": "slow",
    "service": "web",
    "instance": "web-1",
    "version": "1",
    "trace_id": "abc",
    "span_id": None,
}


def shown(line: object) -> str:
    return screen.log_line("web-1", line if isinstance(line, str) else json.dumps(line)).plain


def instance(name: str, state: State, seconds: float | None) -> Instance:
    return Instance(name, "web", state, 7 if seconds else None, "127.0.0.1:1", seconds)


def printed(thing: object) -> str:
    console = Console(width=100, highlight=False)
    with console.capture() as capture:
        console.print(thing)
    return capture.get()


def test_contract_line_is_put_short() -> None:
    assert shown(CONTRACT) == "10:20:30.456 web-1  WARNING slow  trace_id=abc"


def test_exception_shows_its_stack() -> None:
    exception = {"type": "E", "message": "m", "stack": "Traceback:\n  line 1"}
    assert shown({**CONTRACT, "exception": exception}).endswith("\nTraceback:\n  line 1")


@pytest.mark.parametrize(
    "line", ["[notice] (1) : started", '{"level": "INFO"}', "[1, 2]", "null", "", "{", "[" * 10_000]
)
def test_foreign_line_passes_as_is(line: str) -> None:
    assert shown(line) == f"web-1  {line}"


EVIL = "\x1b[2J\x07\r\x9b0m\u202e\ud800"


@pytest.mark.parametrize("field", ["message", "timestamp", "level", "path", "ev\x1bil"])
def test_control_characters_never_pass(field: str) -> None:
    assert_harmless(shown({**CONTRACT, field: "2026-11-23T" + EVIL}))


def test_foreign_control_characters_never_pass() -> None:
    assert_harmless(shown(f"foreign {EVIL}"))


@pytest.mark.parametrize("stack", [EVIL, [EVIL], 5, None, {"a": EVIL}])
def test_strange_stack_is_shown_harmless(stack: object) -> None:
    assert_harmless(shown({**CONTRACT, "exception": {"stack": stack}}))


def assert_harmless(text: str) -> None:
    assert "".join(text.splitlines()).isprintable()
    text.encode()  # a lone surrogate would stop it here


def test_message_is_never_taken_for_markup() -> None:
    assert "[bold]no[/bold] [/]" in printed(
        screen.log_line("web-1", json.dumps({"message": "[bold]no[/bold] [/]"}))
    )


def test_sentence_is_never_taken_for_markup() -> None:
    assert printed(screen.escape("a [red]b[/red] [/x] \x1b[2J c")) == (
        "a [red]b[/red] [/x] \\x1b[2J c\n"
    )


@pytest.mark.parametrize("state", get_args(State))
def test_every_state_has_a_sign(state: State) -> None:
    sign, _ = screen.SIGNS[state]
    assert f"{sign} {state}" in printed(screen.instances([instance("web-1", state, None)]))


def test_no_two_states_share_signs() -> None:
    signs = [sign for state, (sign, _) in screen.SIGNS.items() if state not in ("paused",)]
    assert len(set(signs)) == len(signs)


@pytest.mark.parametrize(
    ("seconds", "words"), [(5.4, "5 s"), (600.0, "10 min"), (9000.0, "2.5 h"), (None, "")]
)
def test_uptime_is_put_for_people(seconds: float | None, words: str) -> None:
    row = printed(screen.instances([instance("web-1", "ready", seconds)])).splitlines()[-1]
    assert row.rstrip().endswith(words or "127.0.0.1:1")


def test_addresses_are_not_cut_off() -> None:
    address = "http://127.0.0.1:9090/"
    assert address in printed(screen.addresses({"Prometheus": address}))


def test_access_line_says_things_once() -> None:
    fields = {"message": "GET /x", "logger": "access", "method": "GET", "path": "/x"}
    line = json.dumps({**fields, "span_id": "ab", "status": 404, "trace_id": "cd"})
    text = screen.log_line("web-1", line).plain
    assert "GET /x" in text
    assert "status=404 trace_id=cd" in text
    assert "method=" not in text
    assert "span_id=" not in text
