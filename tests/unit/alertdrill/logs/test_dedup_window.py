from alertdrill.logs.dedup_window import CATCH_UP_MS, MAX_LAG_MS, SECOND_MS, DedupWindow
from alertdrill.logs.record import LogRecord

NOW = 1_000_000 * SECOND_MS


def line(at: int, message: str = "") -> LogRecord:
    return LogRecord(at, message, {"instance": "web-1"})


def test_nothing_is_shown_twice() -> None:
    window = DedupWindow(NOW)
    assert window.take_new([line(NOW)]) == [line(NOW)]
    assert window.take_new([line(NOW), line(NOW, "other")]) == [line(NOW, "other")]
    assert window.take_new([line(NOW), line(NOW, "other")]) == []


def test_look_begins_behind_the_newest() -> None:
    window = DedupWindow(NOW)
    assert window.search_start() == NOW - MAX_LAG_MS
    window.update(NOW + CATCH_UP_MS + 1, NOW + CATCH_UP_MS)
    window.update(NOW + 2 * CATCH_UP_MS + 2, NOW + 2 * CATCH_UP_MS)
    window.update(NOW + 3 * CATCH_UP_MS + 3, NOW + 3 * CATCH_UP_MS)
    assert window.search_start() >= NOW + CATCH_UP_MS - MAX_LAG_MS


def test_late_line_is_still_shown() -> None:
    window = DedupWindow(NOW)
    for second in range(1, 60):
        now = NOW + second * SECOND_MS
        window.update(now, now)
        late = line(now - MAX_LAG_MS, f"late at {second}")
        assert late.at >= window.search_start()
        assert window.take_new([late]) == [late]


def test_outage_is_looked_back_over() -> None:
    window = DedupWindow(NOW)
    outage = 600
    for second in range(1, outage):
        window.update(NOW + second * SECOND_MS, NOW)  # the newest stays where it was
    back = NOW + outage * SECOND_MS
    window.update(back, back)  # one instance's lines are all there at once
    for second in range(CATCH_UP_MS // SECOND_MS):
        assert window.search_start() == NOW - MAX_LAG_MS, "another's may still come"
        window.update(back + second * SECOND_MS, back + second * SECOND_MS)
    for second in range(CATCH_UP_MS // SECOND_MS, 2 * CATCH_UP_MS // SECOND_MS + 2):
        window.update(back + second * SECOND_MS, back + second * SECOND_MS)
    assert window.search_start() >= back - MAX_LAG_MS


def test_unanswered_looks_count_as_outage() -> None:
    window = DedupWindow(NOW)
    window.update(NOW + SECOND_MS, NOW + SECOND_MS)
    later = NOW + 600 * SECOND_MS
    window.update(later, later)
    assert window.search_start() <= NOW + SECOND_MS - MAX_LAG_MS


def test_silence_keeps_the_newest() -> None:
    window = DedupWindow(NOW)
    for second in range(1, 100):
        window.update(NOW + second * SECOND_MS, None)
    assert window.search_start() == NOW - MAX_LAG_MS


def test_clock_ahead_hides_nothing() -> None:
    window = DedupWindow(NOW)
    for second in range(1, 100):
        now = NOW + second * SECOND_MS
        window.update(now, now + 300 * SECOND_MS)
        assert window.search_start() <= now - MAX_LAG_MS


def test_memory_is_of_the_window_only() -> None:
    window = DedupWindow(NOW)
    for second in range(1000):
        now = NOW + second * SECOND_MS
        window.update(now, now)
        window.take_new([line(now, str(number)) for number in range(10)])
    assert len(window._shown) <= 10 * (MAX_LAG_MS + CATCH_UP_MS + 2 * SECOND_MS) / SECOND_MS
