"""A fake Prometheus that evaluates a single selector."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

SELECTOR = re.compile(r"([a-z_]+(?:_total|_seconds)|up)(?:\{(.*?)\})?")
MATCHER = re.compile(r'(\w+)(=~|=)"((?:[^"\\]|\\.)*)"')
Labels = dict[str, str]


class FakePrometheus:
    """The server. Each series has two samples of `value`: now and a minute ago."""

    def __init__(self, *series: Labels) -> None:
        self.series: Sequence[Labels] = series
        self.value = "1.5"
        self.samples = 2
        self.queries: list[dict[str, str]] = []
        self.exemplars = [{"labels": {"trace_id": "a"}, "value": "0.5", "timestamp": 100.0}]
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def find(self, text: str) -> list[Labels]:
        """Return the series of the first selector of a text; raise `ValueError` without one."""
        match = SELECTOR.search(text)
        if match is None or "$" in text:
            raise ValueError(f"parse error: {text}")
        value_pattern = MATCHER.findall(match[2] or "")
        named = [series for series in self.series if series["__name__"] == match[1]]
        return [
            series for series in named if all(_fits(series, *matcher) for matcher in value_pattern)
        ]

    def answer(self, path: str, params: dict[str, str]) -> Any:
        """Return the data for a path."""
        if path == "/api/v1/status/config":
            return {"yaml": "global:\n  scrape_interval: 5s\n"}
        if path.startswith("/api/v1/label/"):
            label = path.split("/")[4]
            return sorted(
                {series[label] for series in self.find(params["match[]"]) if label in series}
            )
        self.queries.append(params)
        if path == "/api/v1/query_exemplars":
            return [
                {"seriesLabels": series, "exemplars": self.exemplars}
                for series in self.find(params["query"])
            ]
        end = float(params.get("time") or params["end"])
        ranged = path.endswith("query_range")
        values: Any = [[end - 60, self.value], [end, self.value]] if ranged else [end, self.value]
        kind = "values" if ranged else "value"
        return {
            "resultType": "matrix" if ranged else "vector",
            "result": [{"metric": series, kind: values} for series in self.find(params["query"])],
            "stats": {"samples": {"totalQueryableSamples": self.samples}},
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                try:
                    data = store.answer(parts.path, dict(parse_qsl(parts.query)))
                    status, body = 200, {"status": "success", "data": data}
                except ValueError as error:
                    status, body = 400, {"status": "error", "error": str(error)}
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _fits(labels: Labels, name: str, operator: str, value_pattern: str) -> bool:
    text = labels.get(name, "")
    value = value_pattern.replace("\\\\", "\\")
    return bool(re.fullmatch(value, text)) if operator == "=~" else text == value
