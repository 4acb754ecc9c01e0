"""Docker Compose accepts what apps/services.yml becomes, and keeps its values."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from alertdrill.config import ROOT
from alertdrill.config.derived import COMPOSE, write_stale_files
from alertdrill.config.services import SERVICES, read_services
from alertdrill.runtimes.select import has_compose

pytestmark = pytest.mark.skipif(not has_compose(), reason="needs Docker Compose")
DECLARED = """\
blog:
  port: 5003
  path: ../blog
  app: blog:create_app()
  requirements: requirements.txt
  release: flask --app blog run-sql 'a $b ${c}'
  host: blog.example.com
  public: [/]
  env:
    MONEY: $HOME costs $5 $$
    QUOTED: "it's 50% \\\\n;# ü"
    EMPTY: ""
    DATABASE: "{data}/b.sqlite"
  volumes: [data]
  secrets: {key: generated, mail: provided}
  objective: {availability: 0.99, latency: 500ms}
  limits: {memory: 128MiB, series: 1000, cpu: 0.5, pids: 100, response: 5s}
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what Compose understands of a repository with an application from outside."""
    root = tmp_path_factory.mktemp("repository")
    (root / "apps").mkdir()
    (root / "apps/services.yml").write_text(DECLARED)
    (root / "docker-compose.yml").write_text((ROOT / "docker-compose.yml").read_text())
    (root / COMPOSE).parent.mkdir(parents=True)
    (root / "prometheus/rules").mkdir(parents=True)
    write_stale_files({**SERVICES, **read_services(root / "apps")}, root)
    profiles = ("--profile", "build", "--profile", "tools")
    done = subprocess.run(
        ["docker", "compose", "--env-file", os.devnull, *profiles, "config", "--format=json"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_application_and_its_containers_are_valid(model: dict[str, Any]) -> None:
    assert {"blog", "blog-release", "blog-secrets", "service-base"} <= model["services"].keys()
    assert {"blog-data", "blog-secrets"} <= model["volumes"].keys()


def test_values_arrive_as_they_are_declared(model: dict[str, Any]) -> None:
    # What Compose prints is a compose file again, in which `$$` is `$`.
    blog = model["services"]["blog"]["environment"]
    own = {name: blog[name].replace("$$", "$") for name in ("MONEY", "QUOTED", "EMPTY", "DATABASE")}
    assert own == {
        "MONEY": "$HOME costs $5 $$",
        "QUOTED": "it's 50% \\n;# ü",
        "EMPTY": "",
        "DATABASE": "/data/data/b.sqlite",
    }
    command = model["services"]["blog-release"]["command"]
    assert command[-1].replace("$$", "$") == "a $b ${c}"


def test_image_is_built_in_the_folder_of_the_application(
    model: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    build = model["services"]["blog"]["build"]
    assert Path(build["context"]) == tmp_path_factory.getbasetemp() / "blog"
    assert build["args"]["BASE"] == model["services"]["service-base"]["image"]
    # The shell of the build gets one `$`.
    text = build["dockerfile_inline"].replace("$$", "$")
    assert "FROM $BASE\n" in text
    assert 'PATH="${PATH#/venv/bin:}"' in text


def test_missing_provided_secret_creates_no_folder(model: dict[str, Any]) -> None:
    [mount] = [item for item in model["services"]["blog"]["volumes"] if item["type"] == "bind"]
    assert mount["source"].endswith("/secrets/blog/mail")
    assert not mount["bind"].get("create_host_path")


def test_limits_are_the_declared_ones(model: dict[str, Any]) -> None:
    limits = model["services"]["blog"]["deploy"]["resources"]["limits"]
    assert (limits["cpus"], int(limits["memory"]), limits["pids"]) == (0.5, 128 * 2**20, 100)


def test_base_is_only_built(model: dict[str, Any]) -> None:
    assert model["services"]["service-base"]["profiles"] == ["build"]
