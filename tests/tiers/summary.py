"""The table at the end of a tier: part, seconds, result; then the waivers and the notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .runner import Record


def summary(planned: Sequence[str], records: Sequence[Record]) -> str:
    """Return the table of all planned parts; those without a record did not run."""
    return "\n".join(_lines(planned, records))


def passed(planned: Sequence[str], records: Sequence[Record]) -> bool:
    """Tell whether every planned part ran and passed."""
    results = {record.part: record.result for record in records}
    return all(results.get(part) == "passed" for part in planned)


def _lines(planned: Sequence[str], records: Sequence[Record]) -> Iterator[str]:
    by_part = {record.part: record for record in records}
    yield f"{'Part':<20} {'Seconds':>8}  Result"
    for part in planned:
        record = by_part.get(part)
        if record is None:
            yield f"{part:<20} {'':>8}  not run"
        else:
            earlier = " (earlier, on this commit)" if record.resumed else ""
            yield f"{part:<20} {record.seconds:>8.0f}  {record.result}{earlier}"
    seconds = sum(record.seconds for record in records if not record.resumed)
    yield f"{'all':<20} {seconds:>8.0f}  {'passed' if passed(planned, records) else 'FAILED'}"
    waivers = [(record.part, waiver) for record in records for waiver in record.waivers]
    yield ""
    yield "Waivers (checks that this machine could not run):" if waivers else "Waivers: none."
    for part, waiver in waivers:
        yield f"  {part}: {waiver.count} x {waiver.reason}"
    for record in records:
        for note in record.notes:
            yield f"  {record.part}: {note}"
