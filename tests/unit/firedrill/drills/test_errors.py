import pytest

from firedrill.drills import errors
from firedrill.errors import FiredrillError


@pytest.mark.parametrize("name", ["InvalidDrillError", "DrillError", "UnreachableError"])
def test_command_line_shows_as_sentence(name: str) -> None:
    assert issubclass(getattr(errors, name), FiredrillError)


@pytest.mark.parametrize("name", ["UnmetError", "UnsteadyError"])
def test_verdict_never_reaches_command_line(name: str) -> None:
    assert not issubclass(getattr(errors, name), FiredrillError)
