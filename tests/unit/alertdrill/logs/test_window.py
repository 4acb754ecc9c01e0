from alertdrill.logs.entry import Entry
from alertdrill.logs.window import ARRIVING, BEHIND, SECOND, Window

NOW = 1_000_000 * SECOND


def line(at: int, message: str = "") -> Entry:
    return Entry(at, message, {"instance": "web-1"})


def test_nothing_is_shown_twice() -> None:
    window = Window(NOW)
    assert window.fresh([line(NOW)]) == [line(NOW)]
    assert window.fresh([line(NOW), line(NOW, "other")]) == [line(NOW, "other")]
    assert window.fresh([line(NOW), line(NOW, "other")]) == []


def test_look_begins_behind_the_newest() -> None:
    window = Window(NOW)
    assert window.begin() == NOW - BEHIND
    window.note(NOW + ARRIVING + 1, NOW + ARRIVING)
    window.note(NOW + 2 * ARRIVING + 2, NOW + 2 * ARRIVING)
    window.note(NOW + 3 * ARRIVING + 3, NOW + 3 * ARRIVING)
    assert window.begin() >= NOW + ARRIVING - BEHIND


def test_late_line_is_still_shown() -> None:
    window = Window(NOW)
    for second in range(1, 60):
        now = NOW + second * SECOND
        window.note(now, now)
        late = line(now - BEHIND, f"late at {second}")
        assert late.at >= window.begin()
        assert window.fresh([late]) == [late]


def test_outage_is_looked_back_over() -> None:
    window = Window(NOW)
    outage = 600
    for second in range(1, outage):
        window.note(NOW + second * SECOND, NOW)  # the newest stays where it was
    back = NOW + outage * SECOND
    window.note(back, back)  # one instance's lines are all there at once
    for second in range(ARRIVING // SECOND):
        assert window.begin() == NOW - BEHIND, "another's may still come"
        window.note(back + second * SECOND, back + second * SECOND)
    for second in range(ARRIVING // SECOND, 2 * ARRIVING // SECOND + 2):
        window.note(back + second * SECOND, back + second * SECOND)
    assert window.begin() >= back - BEHIND


def test_unanswered_looks_count_as_outage() -> None:
    window = Window(NOW)
    window.note(NOW + SECOND, NOW + SECOND)
    later = NOW + 600 * SECOND
    window.note(later, later)
    assert window.begin() <= NOW + SECOND - BEHIND


def test_silence_keeps_the_newest() -> None:
    window = Window(NOW)
    for second in range(1, 100):
        window.note(NOW + second * SECOND, None)
    assert window.begin() == NOW - BEHIND


def test_clock_ahead_hides_nothing() -> None:
    window = Window(NOW)
    for second in range(1, 100):
        now = NOW + second * SECOND
        window.note(now, now + 300 * SECOND)
        assert window.begin() <= now - BEHIND


def test_memory_is_of_the_window_only() -> None:
    window = Window(NOW)
    for second in range(1000):
        now = NOW + second * SECOND
        window.note(now, now)
        window.fresh([line(now, str(number)) for number in range(10)])
    assert len(window._shown) <= 10 * (BEHIND + ARRIVING + 2 * SECOND) / SECOND
