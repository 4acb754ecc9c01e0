from typing import get_args

import pytest
from rich.console import Console

from alertdrill.cli import console
from alertdrill.runtimes.base import Instance, State


def instance(name: str, state: State, seconds: float | None) -> Instance:
    return Instance(name, "web", state, 7 if seconds else None, "127.0.0.1:1", seconds)


def rendered(renderable: object) -> str:
    console = Console(width=100, highlight=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_control_characters_are_escaped() -> None:
    shown = console.printable("\x1b[2J\x07\r\x9b0m\u202e\ud800 ü")
    assert shown == r"\x1b[2J\x07\r\x9b0m\u202e\ud800 ü"


def test_message_is_not_read_as_markup() -> None:
    assert rendered(console.escape("a [red]b[/red] [/x] \x1b[2J c")) == (
        "a [red]b[/red] [/x] \\x1b[2J c\n"
    )


@pytest.mark.parametrize("state", get_args(State))
def test_every_state_has_a_sign(state: State) -> None:
    sign, _ = console.SIGNS[state]
    assert f"{sign} {state}" in rendered(console.instance_table([instance("web-1", state, None)]))


def test_signs_of_states_are_distinct() -> None:
    signs = [sign for state, (sign, _) in console.SIGNS.items() if state not in ("paused",)]
    assert len(set(signs)) == len(signs)


@pytest.mark.parametrize(
    ("seconds", "text"), [(5.4, "5 s"), (600.0, "10 min"), (9000.0, "2.5 h"), (None, "")]
)
def test_uptime_has_a_readable_unit(seconds: float | None, text: str) -> None:
    row = rendered(console.instance_table([instance("web-1", "ready", seconds)])).splitlines()[-1]
    assert row.rstrip().endswith(text or "127.0.0.1:1")


def test_address_is_not_truncated() -> None:
    address = "http://127.0.0.1:9090/"
    assert address in rendered(console.address_table({"Prometheus": address}))
