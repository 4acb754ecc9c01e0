"""A fake Prometheus that evaluates a single selector."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from tests.http_server import Answer, HttpServer, Request

SELECTOR = re.compile(r"([a-z_]+(?:_total|_seconds)|up)(?:\{(.*?)\})?")
MATCHER = re.compile(r'(\w+)(=~|=)"((?:[^"\\]|\\.)*)"')
Labels = dict[str, str]


class FakePrometheus(HttpServer):
    """The server. Each series has two samples of `value`: now and a minute ago."""

    def __init__(self, *series: Labels) -> None:
        self.series: Sequence[Labels] = series
        self.value = "1.5"
        self.samples = 2
        self.queries: list[dict[str, str]] = []
        self.exemplars = [{"labels": {"trace_id": "a"}, "value": "0.5", "timestamp": 100.0}]
        super().__init__()

    def answer_to(self, request: Request) -> Answer:
        """Return the response of Prometheus, 400 for an invalid query."""
        try:
            data = self.answer(request.path, request.query)
        except ValueError as error:
            return Answer(400, json.dumps({"status": "error", "error": str(error)}).encode())
        return Answer(body=json.dumps({"status": "success", "data": data}).encode())

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


def _fits(labels: Labels, name: str, operator: str, value_pattern: str) -> bool:
    text = labels.get(name, "")
    value = value_pattern.replace("\\\\", "\\")
    return bool(re.fullmatch(value, text)) if operator == "=~" else text == value
