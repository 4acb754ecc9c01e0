from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

import alertdrill_telemetry as telemetry
from alertdrill_telemetry.errors import FaultError
from alertdrill_telemetry.faults.kinds import KINDS, parse_fault
from alertdrill_telemetry.faults.state import FIRST_PARAMETER, WIDTH


@pytest.mark.parametrize("kind", KINDS)
def test_empty_body_means_defaults(kind: str) -> None:
    fault = parse_fault(kind, {})
    assert (fault.kind, fault.probability, fault.duration) == (kind, 1.0, 300.0)
    accepted = KINDS[kind].parameters
    assert fault.parameters == {name: accepted[name].default for name in accepted}


def test_readme_lists_every_fault() -> None:
    readme = Path(telemetry.__file__).parents[1] / "README.md"
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \| (.*?) ?\|$", readme.read_text(), re.M)
    listed = {name: (text, parameters) for name, text, parameters in rows if name in KINDS}
    assert listed == {
        kind.name: (
            kind.description,
            ", ".join(
                f"`{name}` {p.default:g} ({p.minimum:g} to {p.maximum:g} {p.unit})"
                for name, p in kind.parameters.items()
            ),
        )
        for kind in KINDS.values()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_fit_into_the_state(kind: str) -> None:
    assert FIRST_PARAMETER + len(KINDS[kind].parameters) <= WIDTH


@pytest.mark.parametrize("kind", KINDS)
def test_bounds_are_inclusive(kind: str) -> None:
    for name, parameter in KINDS[kind].parameters.items():
        for value in (parameter.minimum, parameter.maximum):
            assert parse_fault(kind, {name: value}).parameters[name] == value


@pytest.mark.parametrize("kind", KINDS)
def test_value_beyond_the_bounds_is_an_error(kind: str) -> None:
    for name, parameter in KINDS[kind].parameters.items():
        for value in (parameter.minimum - 1e-6, parameter.maximum * 1.001, math.nan, math.inf):
            with pytest.raises(FaultError, match=f"^{name} is "):
                parse_fault(kind, {name: value})


@pytest.mark.parametrize(
    ("body", "parameter_name"),
    [
        ({"probability": 1.1}, "probability"),
        ({"probability": -0.1}, "probability"),
        ({"duration": 0}, "duration"),
        ({"duration": 3601}, "duration"),
        ({"duration": 10**400}, "duration"),
        ({"status": True}, "status"),
        ({"status": "500"}, "status"),
        ({"status": None}, "status"),
        ({"status": 404}, "status"),
        ({"speed": 1}, "speed"),
        ([], "object"),
        ("all", "object"),
    ],
)
def test_bad_parameter_is_named(body: object, parameter_name: str) -> None:
    with pytest.raises(FaultError, match=parameter_name):
        parse_fault("errors", body)


def test_unknown_fault_lists_the_known_ones() -> None:
    with pytest.raises(FaultError, match="latency, errors"):
        parse_fault("gremlin", {})
