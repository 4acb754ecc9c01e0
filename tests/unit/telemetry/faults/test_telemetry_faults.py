from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

Lines = Callable[[], list[dict[str, Any]]]
# The maximum difference of two readings of the clock on a busy machine.
TOLERANCE_S = 60.0


def clock_shown(app: Flask) -> float:
    """Return `app_clock_seconds` as it is scraped."""
    text = app.test_client().get("/metrics?name[]=app_clock_seconds").text
    return float(text.splitlines()[-1].split()[-1])


def test_log_silence_writes_no_line(operator: FlaskClient, lines: Lines) -> None:
    operator.put("/faults/log_silence", json={})
    lines()
    assert operator.get("/items/1").status_code == 200
    logging.getLogger("mine").error("unheard")
    assert lines() == []
    operator.delete("/faults/log_silence")
    operator.get("/items/1")
    assert "GET /items/1" in [line["message"] for line in lines()]


def test_log_disk_full_loses_lines_until_it_ends(operator: FlaskClient, lines: Lines) -> None:
    operator.put("/faults/log_disk_full", json={})
    lines()
    assert operator.get("/items/1").status_code == 200
    assert lines() == []
    operator.delete("/faults/log_disk_full")
    operator.get("/items/1")
    report, *rest = lines()
    # The line about the fault itself, that of the request, and that of the end of the fault.
    assert report["message"].startswith("3 log lines were lost since ")
    assert rest[-1]["message"] == "GET /items/1"


@pytest.mark.parametrize("seconds", [600, -600])
def test_skew_shifts_the_exported_clock(app: Flask, operator: FlaskClient, seconds: float) -> None:
    assert clock_shown(app) == pytest.approx(time.time(), abs=TOLERANCE_S)
    operator.put("/faults/clock_skew", json={"seconds": seconds})
    assert clock_shown(app) == pytest.approx(time.time() + seconds, abs=TOLERANCE_S)
    operator.delete("/faults/clock_skew")
    assert clock_shown(app) == pytest.approx(time.time(), abs=TOLERANCE_S)


def test_skew_shifts_the_log_lines(operator: FlaskClient, lines: Lines) -> None:
    def logged() -> float:
        logging.getLogger("mine").info("now")
        return datetime.fromisoformat(lines()[-1]["timestamp"]).timestamp()

    operator.put("/faults/clock_skew", json={"seconds": 600})
    assert logged() == pytest.approx(time.time() + 600, abs=TOLERANCE_S)
    operator.delete("/faults/clock_skew")
    assert logged() == pytest.approx(time.time(), abs=TOLERANCE_S)


def test_skew_shortens_no_fault(operator: FlaskClient) -> None:
    operator.put("/faults/hang", json={"duration": 60})
    operator.put("/faults/clock_skew", json={"seconds": 3600})
    assert operator.get("/faults/hang").get_json()["active"] is True


def test_extra_series_end_with_the_fault(client: FlaskClient, operator: FlaskClient) -> None:
    assert "fault_series" not in client.get("/metrics").text
    operator.put("/faults/cardinality", json={"series": 1000})
    shown = client.get("/metrics").text
    assert 'fault_series{number="1000"} 1.0\n' in shown
    assert shown.count("\nfault_series{") == 1000
    operator.delete("/faults/cardinality")
    assert "fault_series" not in client.get("/metrics").text
