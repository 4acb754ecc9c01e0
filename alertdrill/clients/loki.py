"""Client of Loki: log lines, and the rules of its ruler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .http import UnreachableError, get_json
from .prometheus import Evaluator

# A query over days of lines takes Loki some seconds; it gives up by itself after a minute.
TIMEOUT_S = 70.0
# Loki's default limit of lines in a response.
PAGE_SIZE = 5000


@dataclass(frozen=True)
class LokiLine:
    """A line in Loki.

    `at` is its time in nanoseconds since 1970, `fields` its labels and all its other fields, and
    `message` its text: of a line of the log contract the message, of any other the whole line.
    """

    at: int
    fields: Mapping[str, str]
    message: str


class Loki(Evaluator):
    """A running Loki at `url`; the API of its ruler is that of Prometheus."""

    name = "Loki"
    language = "logql"
    rules_path = "/prometheus/api/v1"
    query_path = "/loki/api/v1"

    def last(self, logql: str, span: tuple[int, int], limit: int) -> list[LokiLine]:
        """Return the last `limit` lines (5,000 at most) of a span of time, oldest first.

        `span` is in nanoseconds since 1970; its end is not in it. Raises `UnreachableError`.
        """
        return self._page(logql, span, limit, "backward")

    def every(self, logql: str, span: tuple[int, int]) -> Iterator[LokiLine]:
        """Yield all lines of a time range, oldest first.

        Raises `UnreachableError`, also where more than a page of lines have the very same time.
        """
        begin, end = span
        already_read: list[LokiLine] = []
        while True:
            page = self._page(logql, (begin, end), PAGE_SIZE, "forward")
            # The next page begins with the lines of the moment at which this one ends.
            yield from (line for line in page if line not in already_read)
            if len(page) < PAGE_SIZE:
                return
            if page[-1].at == begin:
                raise UnreachableError(
                    f"over {PAGE_SIZE} lines have the same time: narrow the query"
                )
            begin = page[-1].at
            already_read = [line for line in page if line.at == begin]

    def _page(
        self, logql: str, span: tuple[int, int], limit: int, direction: str
    ) -> list[LokiLine]:
        answer = self.get(
            "/loki/api/v1/query_range",
            query=logql,
            start=str(span[0]),
            end=str(span[1]),
            limit=str(limit),
            direction=direction,
        )
        lines = [
            LokiLine(int(at), stream["stream"], text)
            for stream in answer["data"]["result"]
            for at, text in stream["values"]
        ]
        return sorted(lines, key=lambda line: line.at)

    def get(self, path: str, **parameters: str) -> Any:
        """Return the JSON of a path; raise `UnreachableError` otherwise."""
        return get_json(f"{self._url}{path}", parameters, timeout=TIMEOUT_S)
