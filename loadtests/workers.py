"""What is different in a worker: its numbers are its master's to show."""

from __future__ import annotations

from typing import Any

from locust.env import Environment
from locust.runners import WorkerRunner


def stay_silent(environment: Environment, **_: Any) -> None:
    """Keep a worker from printing its own share as JSON, between its master's lines."""
    if isinstance(environment.runner, WorkerRunner) and environment.parsed_options:
        environment.parsed_options.json = False
