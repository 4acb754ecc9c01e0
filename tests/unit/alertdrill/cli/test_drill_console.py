from collections.abc import Callable
from typing import Any, get_args

import pytest
from rich.console import Console

from alertdrill.cli import drill as console
from alertdrill.drills.model import Expectation, HealMode
from alertdrill.drills.result import SIGNS, DrillResult, IdealTime, Report, Verdict
from tests.unit.alertdrill.drills.fakes import make_drill


def printed(act: Callable[[Console], object]) -> str:
    terminal = Console(width=100, highlight=False)
    with terminal.capture() as capture:
        act(terminal)
    return capture.get()


def shown(act: Callable[[console.DrillConsole], object]) -> str:
    return printed(lambda terminal: act(console.DrillConsole(terminal.status(""))))


def result(verdict: Verdict = "passed", **changed: Any) -> DrillResult:
    values = {"reason": "", "began": 100.0, "ended": 112.4, **changed}
    return DrillResult("Down", "Web is frozen.", "pause on web-1", "page", verdict, **values)


def report(*verdicts: Verdict) -> Report:
    results = [result(verdict) for verdict in verdicts]
    return Report(0.0, 125.0, 12.0, "native", "an ephemeral stack", results)


def test_drill_starts_with_its_position() -> None:
    text = shown(lambda drill_console: drill_console.drill_started(make_drill(), (3, 37)))
    assert text == "Down 3/37 Web is frozen.\n"


def test_reached_phase_shows_its_limit() -> None:
    text = shown(lambda drill_console: drill_console.phase_reached("firing", 4.25, 15.0))
    assert text == "  firing      4.2 s  of 15.0 s\n"


@pytest.mark.parametrize(
    ("heal", "healed", "resolved"),
    [
        ("supervisor", ", by its supervisor", " since the fault ended"),
        ("restart", ", by the responder", " since it was healed"),
        ("scale_out", ", by the responder", " since it was healed"),
    ],
)
def test_healing_names_the_healer(heal: HealMode, healed: str, resolved: str) -> None:
    def reach(drill_console: console.DrillConsole) -> None:
        drill_console.drill_started(make_drill(expect=Expectation(heal=heal)), (3, 37))
        drill_console.phase_reached("healed", 4.25, 15.0)
        drill_console.phase_reached("resolved", 5.0, 15.0)

    assert shown(reach).splitlines()[1:] == [
        f"  healed      4.2 s  of 15.0 s{healed}",
        f"  resolved    5.0 s  of 15.0 s{resolved}",
    ]


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_every_verdict_has_a_word(verdict: Verdict) -> None:
    text = shown(
        lambda drill_console: drill_console.drill_finished(result(verdict, reason="No data."))
    )
    sign = SIGNS[verdict]
    assert text == f"  {sign} {verdict} in 12 s: No data.\n"


def test_verdict_has_the_ratio() -> None:
    finished = result(times={"firing": 6.0}, ideal={"firing": IdealTime(4.0, 5.0, 6.5)})
    text = shown(lambda drill_console: drill_console.drill_finished(finished))
    assert "in 12 s, fired after 6.0 s (ideally 4.0 to 6.5 s)" in text


def test_long_reason_is_not_cut() -> None:
    reason = "word " * 60 + "end."
    assert reason in shown(
        lambda drill_console: drill_console.drill_finished(result("failed", reason=reason))
    )


EVIL = "a [red]b[/red] [/x] \x1b[2J c"


@pytest.mark.parametrize(
    "act",
    [
        lambda drill_console: drill_console.note(EVIL),
        lambda drill_console: drill_console.drill_started(
            make_drill(description=f"{EVIL}."), (1, 1)
        ),
        lambda drill_console: drill_console.drill_finished(result("failed", reason=EVIL)),
    ],
)
def test_texts_are_never_markup(act: Callable[[console.DrillConsole], object]) -> None:
    assert "a [red]b[/red] [/x] \\x1b[2J c" in shown(act)


def test_waiting_prints_no_line() -> None:
    def wait(terminal: Console) -> None:
        with terminal.status("") as status:
            console.DrillConsole(status).waiting("firing", 1.0, 15.0)

    assert "waiting" not in printed(wait)


@pytest.mark.parametrize(
    ("results", "line"),
    [
        (report("passed"), "1 drill at speed 12: 1 passed, in 2 min 5 s."),
        (report("passed", "passed"), "2 drills at speed 12: 2 passed, in 2 min 5 s."),
        (
            report("failed", "aborted", "passed", "deviated"),
            "4 drills at speed 12: 1 passed, 1 failed, 1 deviated, 1 aborted, in 2 min 5 s.",
        ),
        (report(), "No drill finished, in 2 min 5 s."),
    ],
)
def test_summary_counts_each_verdict(results: Report, line: str) -> None:
    assert console.summary(results) == line
