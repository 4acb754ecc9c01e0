import pytest

from alertdrill.drills import errors
from alertdrill.errors import AlertdrillError


@pytest.mark.parametrize("name", ["InvalidDrillError", "DrillError", "UnreachableError"])
def test_command_line_shows_as_sentence(name: str) -> None:
    assert issubclass(getattr(errors, name), AlertdrillError)


@pytest.mark.parametrize("name", ["UnmetError", "UnsteadyError"])
def test_verdict_never_reaches_command_line(name: str) -> None:
    assert not issubclass(getattr(errors, name), AlertdrillError)
