"""Compare the answers of two runs, and describe each difference in a line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence

from tests.foreign.http_client import Answer

# The header that telemetry adds, and the one that differs between any two answers.
ADDED = "x-request-id"
CHANGES_ALWAYS = "date"
CONTEXT = 40  # the characters that a difference of two bodies shows on both sides


def differences(
    bare: Sequence[Answer],
    instrumented: Sequence[Answer],
    random: tuple[Mapping[str, Sequence[str]], Mapping[str, Sequence[str]]],
) -> list[str]:
    """Return how the answers differ, but for what is documented and for random values."""
    if len(bare) != len(instrumented):
        return [f"{len(bare)} answers without telemetry, {len(instrumented)} with it"]
    return [
        difference
        for ours, theirs in zip(bare, instrumented, strict=True)
        for difference in _differences(
            _mask(ours, random[0], [CHANGES_ALWAYS]),
            # An application's own id stays.
            _mask(theirs, random[1], [CHANGES_ALWAYS, *([] if ours.values(ADDED) else [ADDED])]),
        )
    ]


def _mask(answer: Answer, random: Mapping[str, Sequence[str]], left_out: Sequence[str]) -> Answer:
    """Replace random values by their names, and leave headers out."""
    names = {value: name for name, values in random.items() for value in values if value}
    headers = [
        (header, _replace(text, names))
        for header, text in answer.headers
        if header.lower() not in left_out
    ]
    body = _replace(answer.body.decode("latin-1"), names).encode("latin-1")
    return Answer(answer.status, answer.reason, headers, body, answer.complete)


def _replace(text: str, names: Mapping[str, str]) -> str:
    # The longest first: a shorter one may be a part of it.
    for value in sorted(names, key=len, reverse=True):
        text = text.replace(value, f"<{names[value]}>")
    return text


def _differences(bare: Answer, instrumented: Answer) -> Iterator[str]:
    without, with_it = (f"{a.status} {a.reason}" for a in (bare, instrumented))
    if without != with_it:
        yield f"status: {without!r} without telemetry, {with_it!r} with it"
    yield from _header_differences(bare.headers, instrumented.headers)
    if bare.complete != instrumented.complete:
        states = [("cut off", "complete")[answer.complete] for answer in (bare, instrumented)]
        yield f"the answer is {states[0]} without telemetry, {states[1]} with it"
    if bare.body != instrumented.body:
        yield _body_difference(bare.body, instrumented.body)


def _header_differences(
    bare: Sequence[tuple[str, str]], instrumented: Sequence[tuple[str, str]]
) -> Iterator[str]:
    before, after = (
        [f"{name}: {text}" for name, text in headers] for headers in (bare, instrumented)
    )
    for line in difflib.ndiff(before, after):
        if line.startswith("- "):
            yield f"header only without telemetry, or elsewhere: {line[2:]!r}"
        elif line.startswith("+ "):
            yield f"header only with telemetry, or elsewhere: {line[2:]!r}"


def _body_difference(bare: bytes, instrumented: bytes) -> str:
    position = next(
        (i for i, (a, b) in enumerate(zip(bare, instrumented, strict=False)) if a != b),
        min(len(bare), len(instrumented)),
    )
    start = max(0, position - CONTEXT)
    shown = [body[start : position + CONTEXT] for body in (bare, instrumented)]
    return (
        f"body of {len(bare)} bytes without telemetry, of {len(instrumented)} with it;"
        f" from byte {start}: {shown[0]!r} and {shown[1]!r}"
    )
