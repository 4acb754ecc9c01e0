"""An application with views of its own at the operations paths: refused, or served on its port."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.foreign.apps import own_views
from tests.foreign.compare import differences
from tests.foreign.recording import OPERATIONS, Recording, ask, play
from tests.foreign.servers import (
    BARE,
    INSTRUMENTED,
    OUR_GUNICORN,
    OUR_SETTINGS,
    TELEMETRY,
    Server,
    free_port,
    serve,
    start,
)


@pytest.mark.parametrize(
    ("application", "words"),
    [
        ("METRICS", ["/metrics", "OPS_PORT"]),
        ("PROBE", ["/healthz", "OPS_PORT"]),
        ("EXPORTER", ["exporter", "remove"]),
    ],
)
def test_own_view_on_the_same_port_is_refused(
    application: str, words: list[str], tmp_path: Path
) -> None:
    with start(f"own_views:{application}", INSTRUMENTED, tmp_path) as process:
        assert process.wait_until_it_ends() != 0
    # The error of the library says what is wrong, and what helps.
    errors = [line for line in process.output().splitlines() if "alertdrill_telemetry." in line]
    assert [word for word in words if word not in errors[-1]] == []


@pytest.mark.parametrize("workers", ["1", "2"])
def test_own_views_are_served_where_operations_have_a_port(workers: str, tmp_path: Path) -> None:
    port = free_port()
    settings = {**OUR_SETTINGS, **TELEMETRY, "WORKERS": workers, "OPS_PORT": str(port)}
    server = Server("ops-port", OUR_GUNICORN, settings, BARE)
    bare, instrumented = Recording(BARE), Recording(server)
    for recording in (bare, instrumented):
        folder = tmp_path / recording.server.name
        folder.mkdir()
        with serve("own_views:ALL", recording.server, folder) as process:
            play(own_views.CASES, process, recording)
            if recording is instrumented:
                for path, headers in OPERATIONS.items():
                    recording.operations[path] = ask(port, path, headers)
                missing = ask(port, "/")
    for case in own_views.CASES:
        without, with_it = bare.answers[case.name], instrumented.answers[case.name]
        assert differences(without, with_it, ({}, {})) == [], case.target
    assert {answer.status for answer in instrumented.operations.values()} == {200}
    assert all(b"own" not in answer.body for answer in instrumented.operations.values())
    assert missing.status == 404  # the application is not on the operations port
