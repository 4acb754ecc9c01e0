"""When the code of a service has changed."""

from __future__ import annotations

import os
from pathlib import Path

from alertdrill.config.services import SERVICES
from alertdrill.runtimes import service_code


def test_last_change_is_that_of_code(tmp_path: Path) -> None:
    service = SERVICES["web"].model_copy(update={"path": str(tmp_path), "app": "x:app"})
    shared = service_code.last_change(service)
    for name, time in {
        "app.py": 2_000_000_000,  # in the future
        "blog.sqlite": shared + 30,
        "instance/x.py": shared + 30,
        ".venv/lib/x.py": shared + 30,
        "templates/page.html": shared + 20,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time, time))
    assert service_code.last_change(service) == shared + 20
