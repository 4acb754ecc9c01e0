"""Errors of every runtime, and the error in the output of a program."""

from __future__ import annotations

from ..errors import AlertdrillError

# Words that start an error message. "alert" alone is not enough: paths contain it.
ERROR_WORDS = ("error", "failed", "[alert]", "unknown", "invalid", "could not", "cannot")


class StackUnavailableError(AlertdrillError):
    """The stack is down, or its engine or supervisor does not answer."""


class UnknownTargetError(AlertdrillError):
    """No instance, service, component or configuration has this name."""


class NotReadyError(AlertdrillError):
    """An instance was not ready in time."""


class ServiceNotReadyError(NotReadyError):
    """Some services are not ready; everything else is."""


class EngineError(AlertdrillError):
    """The Docker engine or Compose is missing, or refused a request with a `status`."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class EngineUnavailableError(EngineError, StackUnavailableError):
    """The engine does not answer, or the stack is down."""


def checker_error(output: str) -> str:
    """Return the error lines of a checker's output as one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if any(word in line.lower() for word in ERROR_WORDS)]
    # Keep what follows: some checkers name the file first and the error after it.
    start = lines.index(errors[0]) if errors else 0
    return " ".join(lines[start : start + 3]) or "the checker printed no error."
