from alertdrill.logs.record import LogRecord
from alertdrill.logs.sources import CATCH_UP_MS, MAX_LAG_MS, SECOND_MS, DedupWindow

NOW = 1_000_000 * SECOND_MS


def line(at: int, message: str = "") -> LogRecord:
    return LogRecord(at, message, {"instance": "web-1"})


def test_record_is_new_only_once() -> None:
    window = DedupWindow(NOW)
    assert window.take_new([line(NOW)]) == [line(NOW)]
    assert window.take_new([line(NOW), line(NOW, "other")]) == [line(NOW, "other")]
    assert window.take_new([line(NOW), line(NOW, "other")]) == []


def test_search_starts_before_the_newest_record() -> None:
    window = DedupWindow(NOW)
    assert window.search_start() == NOW - MAX_LAG_MS
    window.update(NOW + CATCH_UP_MS + 1, NOW + CATCH_UP_MS)
    window.update(NOW + 2 * CATCH_UP_MS + 2, NOW + 2 * CATCH_UP_MS)
    window.update(NOW + 3 * CATCH_UP_MS + 3, NOW + 3 * CATCH_UP_MS)
    assert window.search_start() >= NOW + CATCH_UP_MS - MAX_LAG_MS


def test_late_record_is_within_the_search() -> None:
    window = DedupWindow(NOW)
    for second in range(1, 60):
        now = NOW + second * SECOND_MS
        window.update(now, now)
        late = line(now - MAX_LAG_MS, f"late at {second}")
        assert late.at >= window.search_start()
        assert window.take_new([late]) == [late]


def test_search_covers_an_outage_until_all_lines_arrive() -> None:
    window = DedupWindow(NOW)
    outage = 600
    for second in range(1, outage):
        window.update(NOW + second * SECOND_MS, NOW)  # the newest stays where it was
    end = NOW + outage * SECOND_MS
    window.update(end, end)  # one instance's lines are all there at once
    for second in range(CATCH_UP_MS // SECOND_MS):
        assert window.search_start() == NOW - MAX_LAG_MS, (
            "lines of other instances may still arrive"
        )
        window.update(end + second * SECOND_MS, end + second * SECOND_MS)
    for second in range(CATCH_UP_MS // SECOND_MS, 2 * CATCH_UP_MS // SECOND_MS + 2):
        window.update(end + second * SECOND_MS, end + second * SECOND_MS)
    assert window.search_start() >= end - MAX_LAG_MS


def test_gap_between_updates_counts_as_an_outage() -> None:
    window = DedupWindow(NOW)
    window.update(NOW + SECOND_MS, NOW + SECOND_MS)
    later = NOW + 600 * SECOND_MS
    window.update(later, later)
    assert window.search_start() <= NOW + SECOND_MS - MAX_LAG_MS


def test_search_start_stays_without_new_records() -> None:
    window = DedupWindow(NOW)
    for second in range(1, 100):
        window.update(NOW + second * SECOND_MS, None)
    assert window.search_start() == NOW - MAX_LAG_MS


def test_record_from_the_future_does_not_move_the_search_ahead() -> None:
    window = DedupWindow(NOW)
    for second in range(1, 100):
        now = NOW + second * SECOND_MS
        window.update(now, now + 300 * SECOND_MS)
        assert window.search_start() <= now - MAX_LAG_MS


def test_memory_is_limited_to_the_window() -> None:
    window = DedupWindow(NOW)
    for second in range(1000):
        now = NOW + second * SECOND_MS
        window.update(now, now)
        window.take_new([line(now, str(number)) for number in range(10)])
    assert len(window._shown) <= 10 * (MAX_LAG_MS + CATCH_UP_MS + 2 * SECOND_MS) / SECOND_MS
