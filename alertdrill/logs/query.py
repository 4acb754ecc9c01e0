"""A search query: the same filters as LogQL for Loki and as a predicate for files. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from .record import ACCESS_FIELDS, EXCEPTION_FIELDS, LEVELS, LogRecord

# The fields that a text search covers, since LogQL needs each name. Any other field is searched as
# name=value.
SEARCHED = (
    *("trace_id", "span_id", "request_id", *ACCESS_FIELDS),
    *(f"exception_{name}" for name in EXCEPTION_FIELDS),
)
# The message as a temporary field; no line has a field of this name.
MESSAGE = "_message"
NAMED = re.compile(r"([A-Za-z][A-Za-z0-9_]*)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Query:
    """Filters, each of which a line must pass.

    `level` means that level and above. `since` and `until`, which is not included, are in
    milliseconds since 1970. `text` is plain: a part of the message or of a field, or a name=value
    with which a field begins.
    """

    level: str | None = None
    trace: str | None = None
    text: str | None = None
    since: int | None = None
    until: int | None = None

    def matches(self, entry: LogRecord) -> bool:
        """Return whether a record passes every filter."""
        return (
            (self.level is None or entry.level in self._levels())
            and (self.trace is None or entry.fields.get("trace_id") == self.trace)
            and (self.since is None or self.since <= entry.at)
            and (self.until is None or entry.at < self.until)
            and (self.text is None or self._has_text(entry))
        )

    def logql(self, labels: Mapping[str, str]) -> str:
        """Return the query of the instances with these labels as LogQL.

        It is without `since` and `until`, which are parameters in Loki.
        """
        matchers = [f"{label}={_quoted(name)}" for label, name in labels.items()]
        if self.level is not None:
            matchers.append(f"level=~{_quoted('|'.join(self._levels()))}")
        # Loki requires one label; every line has this one.
        stages = ["{" + ", ".join(matchers or ['service=~".+"']) + "}"]
        if self.trace is not None:
            stages.append(f"trace_id={_quoted(self.trace)}")
        if self.text is not None:
            part = _regex(f".*{re.escape(self.text)}.*")
            looks = [f"{name}=~{part}" for name in (MESSAGE, *SEARCHED)]
            if named := NAMED.fullmatch(self.text):
                begins = f"{re.escape(named[2])}.*" if named[2] else ".+"
                looks.append(f"{named[1]}=~{_regex(begins)}")
            stages += [f'pattern "<{MESSAGE}>"', " or ".join(looks), f"drop {MESSAGE}"]
        return " | ".join(stages)

    def _has_text(self, entry: LogRecord) -> bool:
        text = self.text or ""
        if text in entry.message or any(text in entry.fields.get(name, "") for name in SEARCHED):
            return True
        named = NAMED.fullmatch(text)
        value = entry.fields.get(named[1]) if named else None
        return bool(named and value and value.startswith(named[2]))

    def _levels(self) -> tuple[str, ...]:
        return LEVELS[LEVELS.index(self.level) :] if self.level else LEVELS


def _quoted(text: str) -> str:
    # LogQL uses Go's escapes, which are those of JSON.
    return json.dumps(text, ensure_ascii=False)


def _regex(regex: str) -> str:
    # Loki 3.4.3 rewrites the query with backticks, so the text must not contain one.
    return _quoted(f"(?s){regex}".replace("`", r"\x60"))
