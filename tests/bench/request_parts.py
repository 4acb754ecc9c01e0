"""The processor time of each part of the instrumentation, for one request within a process."""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

from rich.table import Table

from alertdrill_telemetry.recorder import Recorder
from tests.bench import telemetry_apps

# Each variant has what the one before it has, and one part more.
VARIANTS = {
    "bare": "bare Flask",
    "observed": "+ middleware: context, status, requests in flight",
    "counted": "+ metrics, without a line (LOG_LEVEL=ERROR)",
    "logged": "+ access line",
}
# Interleaved, so that a busy moment of the machine affects all variants; odd, so that the median
# is a measurement.
ROUNDS, REQUESTS = 41, 200


class _Process:
    """A process that serves requests of one variant when asked, and reports their time."""

    def __init__(self, variant: str, stack: ExitStack) -> None:
        # Its lines go to a pipe with a reader, as under Docker or supervisord.
        reader = subprocess.Popen(("cat",), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self._process = subprocess.Popen(
            (sys.executable, "-m", __name__, variant),
            stdin=subprocess.PIPE,
            stdout=reader.stdin,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"LOG_LEVEL": "ERROR" if variant == "counted" else "INFO"},
        )
        assert reader.stdin is not None
        reader.stdin.close()
        stack.callback(reader.wait)
        stack.callback(self._process.communicate)  # closes its stdin, which ends it

    def measure(self) -> float:
        """Return the seconds of processor time of one request."""
        stdin, stderr = self._process.stdin, self._process.stderr
        assert stdin is not None
        assert stderr is not None
        stdin.write("\n")
        stdin.flush()
        return float(stderr.readline())


def table() -> Table:
    """Measure all variants in turn."""
    with ExitStack() as stack:
        processes = [_Process(variant, stack) for variant in VARIANTS]
        for process in processes:
            process.measure()
        rounds = [[process.measure() for process in processes] for _ in range(ROUNDS)]
    columns = list(zip(*rounds, strict=True))
    bare = statistics.median(columns[0])
    result = Table("One request, in process", "CPU", "Of bare Flask", box=None, pad_edge=False)
    result.add_row(VARIANTS["bare"], f"{bare * 1e6:.1f} µs", "")
    for name, (less, more) in zip(list(VARIANTS)[1:], pairwise(columns), strict=True):
        part = statistics.median(b - a for a, b in zip(less, more, strict=True))
        result.add_row(VARIANTS[name], f"{part * 1e6:.1f} µs", f"{part / bare:.2f}")
    return result


def _serve(variant: str) -> None:
    """Serve a round of requests for each line of stdin."""
    app = telemetry_apps.bare() if variant == "bare" else telemetry_apps.ours()
    if variant == "observed":
        Recorder.record = lambda *_, **__: None  # type: ignore[method-assign]
    for _ in sys.stdin:
        started = time.process_time()
        for _ in range(REQUESTS):
            body = app(_environ(), _start_response)
            b"".join(body)
            body.close()  # type: ignore[attr-defined]
        sys.stderr.write(f"{(time.process_time() - started) / REQUESTS}\n")
        sys.stderr.flush()


def _environ() -> dict[str, Any]:
    """Return a request as gunicorn makes it."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/items/7",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "5000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "bench",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def _start_response(*_: object) -> Any:
    return None


if __name__ == "__main__":
    _serve(sys.argv[1])
