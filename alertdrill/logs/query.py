"""What is asked for: the same filters as LogQL for Loki, and as a predicate for files. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .record import ACCESS_FIELDS, EXCEPTION_FIELDS, LEVELS, LogRecord

# The fields that a text is looked for in. Any other is found by its name, too: a service or a level
# is asked for by itself, and Loki has to be told the names of all that it looks into.
SEARCHED = (
    *("trace_id", "span_id", "request_id", *ACCESS_FIELDS),
    *(f"exception_{name}" for name in EXCEPTION_FIELDS),
)
# The message as a field, for the time of a query; no line's own field has a name like it.
MESSAGE = "_message"
NAMED = re.compile(r"([A-Za-z][A-Za-z0-9_]*)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Query:
    """Filters, each of which a line must pass.

    `whose` holds labels: the service or the instance. `level` means that level and above. `since`
    and `until`, which is not included, are in milliseconds since 1970. `text` is plain: a part of
    the message or of a field, or a name=value with which a field begins.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    level: str | None = None
    trace: str | None = None
    text: str | None = None
    since: int | None = None
    until: int | None = None

    @property
    def matches_all(self) -> bool:
        """Tell whether every line passes."""
        return self == self.without_filters()

    def without_filters(self) -> Query:
        """Return the query for every line of the same instances."""
        return Query(self.labels)

    def matches(self, entry: LogRecord) -> bool:
        """Tell whether a line passes every filter."""
        return (
            all(entry.fields.get(label) == name for label, name in self.labels.items())
            and (self.level is None or entry.level in self._levels())
            and (self.trace is None or entry.fields.get("trace_id") == self.trace)
            and (self.since is None or self.since <= entry.at)
            and (self.until is None or entry.at < self.until)
            and (self.text is None or self._has_text(entry))
        )

    def logql(self) -> str:
        """Return the same in LogQL, but for `since` and `until`, which Loki takes apart."""
        labels = [f"{label}={_quoted(name)}" for label, name in self.labels.items()]
        if self.level is not None:
            labels.append(f"level=~{_quoted('|'.join(self._levels()))}")
        # Loki wants one label at least, and every line has this one.
        stages = ["{" + ", ".join(labels or ['service=~".+"']) + "}"]
        if self.trace is not None:
            stages.append(f"trace_id={_quoted(self.trace)}")
        if self.text is not None:
            stages += [f'pattern "<{MESSAGE}>"', self._looks(), f"drop {MESSAGE}"]
        return " | ".join(stages)

    def _looks(self) -> str:
        text = re.escape(self.text or "")
        looks = [f"{name}=~{_regex(f'.*{text}.*')}" for name in (MESSAGE, *SEARCHED)]
        if named := NAMED.fullmatch(self.text or ""):
            begins = f"{re.escape(named[2])}.*" if named[2] else ".+"
            looks.append(f"{named[1]}=~{_regex(begins)}")
        return " or ".join(looks)

    def _has_text(self, entry: LogRecord) -> bool:
        text = self.text or ""
        if text in entry.message or any(text in entry.fields.get(name, "") for name in SEARCHED):
            return True
        named = NAMED.fullmatch(text)
        found = entry.fields.get(named[1]) if named else None
        return bool(named and found and found.startswith(named[2]))

    def _levels(self) -> tuple[str, ...]:
        return LEVELS[LEVELS.index(self.level) :] if self.level else LEVELS


def _quoted(text: str) -> str:
    # JSON's escapes are Go's, in which LogQL is written.
    return json.dumps(text, ensure_ascii=False)


def _regex(regex: str) -> str:
    # Loki writes what it has read anew, between backticks (seen with 3.4.3): no text may have one.
    return _quoted(f"(?s){regex}".replace("`", r"\x60"))
