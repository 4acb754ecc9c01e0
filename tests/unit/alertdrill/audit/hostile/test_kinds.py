from collections import Counter

import pytest

from alertdrill.audit.hostile import raw_kinds
from alertdrill.audit.hostile.inputs import Input, Operation
from alertdrill.audit.hostile.kinds import Generator

OPERATIONS = [Operation("GET", "/"), Operation("POST", "/process", {"type": "object"})]


@pytest.fixture(scope="module")
def inputs() -> list[Input]:
    make = Generator(7, "run", OPERATIONS).make
    return [make(number) for number in range(5000)]


def test_input_depends_on_seed_and_number_only(inputs: list[Input]) -> None:
    assert Generator(7, "run", OPERATIONS).make(4321) == inputs[4321]
    assert Generator(8, "run", OPERATIONS).make(4321) != inputs[4321]


def test_every_kind_is_among_the_inputs(inputs: list[Input]) -> None:
    kinds = Counter(item.kind for item in inputs)
    assert {name.replace("_", " ") for name in raw_kinds.KINDS} < set(kinds)
    assert {"described", "deviating", "pipelined", "mutated", "half closed", "left"} < set(kinds)


def test_stalled_inputs_are_few(inputs: list[Input]) -> None:
    """Each takes up to 15 s."""
    assert sum(item.end == "stalls" for item in inputs) < 10


def test_complete_requests_have_ids_of_their_own(inputs: list[Input]) -> None:
    ids = [
        line
        for item in inputs
        if item.kind in ("described", "pipelined")
        for line in item.data.split(b"\r\n")
        if line.startswith(b"X-Request-ID: run-")
    ]
    assert len(ids) > 500
    assert len(ids) == len(set(ids))


def test_most_inputs_differ(inputs: list[Input]) -> None:
    anonymous = {item.data.replace(b"%06d" % item.number, b"") for item in inputs}
    assert len(anonymous) > len(inputs) * 0.85
