"""The time and memory of one request to `data-service`, by the shape and size of its body.

Both must grow with the bytes: four times the bytes take about four times as much.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping

from rich.table import Table

SIZES = (60 * 1024, 240 * 1024, 960 * 1024)
KIB = 1024


def _repeat(size: int, item: Callable[[int], str], start: str = "[", end: str = "]") -> str:
    """Return numbered items between commas, of about `size` bytes."""
    items, length = [], 0
    for number in itertools.count():
        items.append(item(number))
        length += len(items[-1]) + 1
        if length >= size - 100:
            return start + ",".join(items) + end
    raise AssertionError


SHAPES: Mapping[str, Callable[[int], str]] = {
    "rows of two numbers": lambda size: _repeat(size, lambda n: f'{{"mass":{n},"bill":39.1}}'),
    "a new field in each record": lambda size: _repeat(size, lambda n: f'{{"k{n}":1}}'),
    "one record with many fields": lambda size: _repeat(size, lambda n: f'"k{n}":1', "[{", "}]"),
    "empty records": lambda size: _repeat(size, lambda _: "{}"),
    "a list of objects": lambda size: _repeat(size, lambda _: '{"":{}}', '[{"a":[', "]}]"),
    "nested lists": lambda size: '[{"a":' + "[" * (size // 2) + "]" * (size // 2) + "}]",
    "long integers": lambda size: _repeat(size, lambda _: f'{{"a":{"9" * 300}}}'),
    "one integer": lambda size: f'[{{"a":{"9" * size}}}]',
    "one key": lambda size: f'[{{"{"k" * (size - 100)}":1}}]',
    "escapes": lambda size: _repeat(size, lambda _: r'{"a":"\u0001\u0001\u0001"}'),
}


def table() -> Table:
    """Measure each shape at each size, in a process of its own."""
    columns = (f"{size // KIB} KiB" for size in SIZES)
    result = Table("Body", "Status", *columns, box=None, pad_edge=False)
    for shape in SHAPES:
        cells = []
        for size in SIZES:
            command = (sys.executable, "-m", __name__, shape, str(size))
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            status, seconds, peak = output.split()
            cells.append(f"{float(seconds) * 1000:.0f} ms, {int(peak) / KIB**2:.1f} MiB")
        result.add_row(shape, status, *cells)
    return result


def _measure(shape: str, size: int) -> tuple[int, float, int]:
    """Return the status, the seconds and the peak of the allocated bytes."""
    from alertdrill_telemetry import TelemetrySettings
    from apps.data_service import create_app

    app = create_app(TelemetrySettings("data-service", "bench", log_level="CRITICAL"))
    client, body = app.test_client(), SHAPES[shape](size).encode()

    def send() -> int:
        return client.post("/process", data=body, content_type="application/json").status_code

    send()  # pays for imports
    started = time.perf_counter()
    status = send()
    seconds = time.perf_counter() - started
    tracemalloc.start()
    send()
    return status, seconds, tracemalloc.get_traced_memory()[1]


if __name__ == "__main__":
    sys.stdout.write(" ".join(map(str, _measure(sys.argv[1], int(sys.argv[2])))))
