"""Fixtures: our images, built by `make up` or `docker compose build`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from alertdrill.config.settings import StackSettings, current

Docker = Callable[..., str]


@pytest.fixture(scope="session")
def settings() -> StackSettings:
    return current()


@pytest.fixture(scope="session")
def docker() -> Docker:
    """Return a function that runs docker; skip if no engine responds."""

    def run(*arguments: str, check: bool = True) -> str:
        completed = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, timeout=600, check=False
        )
        if check and completed.returncode != 0:
            pytest.fail(f"docker {' '.join(arguments)}: {completed.stderr}")
        return completed.stdout

    try:
        answers = bool(run("version", "--format", "{{.Server.Version}}", check=False).strip())
    except OSError:
        answers = False
    if not answers:
        pytest.skip("no Docker engine answers")
    return run


@pytest.fixture(scope="session")
def inspect(docker: Docker) -> Callable[[str], dict[str, Any]]:
    """Return a function that inspects an image; fail if the image is not built."""

    def look(image: str) -> dict[str, Any]:
        images: Sequence[dict[str, Any]] = json.loads(
            docker("image", "inspect", image, check=False) or "[]"
        )
        if not images:
            pytest.fail(f"{image} is not built: run `docker compose build`")
        return images[0]

    return look
