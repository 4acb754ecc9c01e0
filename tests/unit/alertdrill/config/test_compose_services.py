"""An entry of apps/services.yml as containers of Docker Compose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from alertdrill.config import ROOT
from alertdrill.config.compose_services import BASE, compose_services
from alertdrill.config.service import Limits, Objective, Service

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
COMPLETED = {"condition": "service_completed_successfully"}


def service(**keys: Any) -> Service:
    """Return a service of the repository with these keys."""
    required: dict[str, Any] = {
        "name": "blog",
        "port": 5003,
        "objective": Objective(availability=0.99, latency=0.5),
        "limits": Limits(memory=64 * 2**20, series=500),
    }
    return Service(**{**required, **keys})


def outside(**keys: Any) -> Service:
    """Return a service whose code is outside of the repository."""
    return service(path="../blog", app="blog:create_app()", **keys)


def document(*services: Service) -> Mapping[str, Any]:
    text = compose_services({item.name: item for item in services}, COMPOSE)
    result: Mapping[str, Any] = yaml.safe_load(text)
    return result


def containers(*services: Service) -> Mapping[str, Any]:
    result: Mapping[str, Any] = document(*services)["services"]
    return result


def instructions(container: Mapping[str, Any]) -> list[str]:
    """Return the instructions of the image, as Compose passes them on: `$$` is `$`."""
    text = container["build"]["dockerfile_inline"].replace("\\\n", "").replace("$$", "$")
    return [" ".join(line.split()) for line in text.splitlines() if line]


def test_service_without_new_keys_has_one_container_and_no_volume() -> None:
    result = document(service())
    assert list(result) == ["services"]
    assert list(result["services"]) == ["blog"]
    blog = result["services"]["blog"]
    assert blog["volumes"] == COMPOSE["x-service"]["volumes"]
    assert blog["depends_on"] == COMPOSE["x-service"]["depends_on"]
    assert "command" not in blog
    assert blog["build"] == {
        **COMPOSE["x-tools"]["build"],
        "target": "prod",
        "args": {**COMPOSE["x-tools"]["build"]["args"], "SERVICE": "blog"},
    }


def test_application_in_the_repository_is_in_its_environment() -> None:
    blog = containers(service(app="apps.shop.main:app"))["blog"]
    assert blog["environment"]["APP"] == "apps.shop.main:app"


def test_application_outside_is_built_on_the_image_with_the_library() -> None:
    result = containers(outside())
    base, blog = result[BASE], result["blog"]
    assert base["profiles"] == ["build"]  # nothing starts it
    assert base["build"]["target"] == BASE
    assert blog["build"]["context"] == "../blog"
    assert blog["build"]["args"]["BASE"] == base["image"]
    lines = instructions(blog)
    assert lines[:2] == ["ARG BASE", "FROM $BASE"]
    assert lines[-2:] == ["COPY . /app", "USER 10001:10001"]
    assert not any(line.startswith("RUN") for line in lines)


def test_requirements_are_installed_before_the_code_is_copied() -> None:
    lines = instructions(containers(outside(requirements="deploy/r.txt"))["blog"])
    assert "COPY deploy/r.txt /requirements.txt" in lines
    [install] = [line for line in lines if "pip" in line]
    assert "--requirement /requirements.txt" in install
    assert lines.index(install) < lines.index("COPY . /app")


def test_folders_of_volumes_belong_to_the_user_of_the_service() -> None:
    lines = instructions(containers(outside(volumes=["data", "media"]))["blog"])
    paths = "/data/data /data/media"
    assert f"RUN mkdir {paths} && chown 10001:10001 {paths}" in lines
    inside = containers(service(volumes=["data", "media"]))["blog"]
    assert inside["build"]["args"]["VOLUMES"] == "data media"


def test_volume_is_declared_and_mounted() -> None:
    result = document(service(volumes=["data"]), service(name="shop", volumes=["data"]))
    assert list(result["volumes"]) == ["blog-data", "shop-data"]
    assert "blog-data:/data/data" in result["services"]["blog"]["volumes"]
    assert "shop-data:/data/data" in result["services"]["shop"]["volumes"]
    shared = set(COMPOSE["x-service"]["volumes"])
    assert shared <= set(result["services"]["blog"]["volumes"])


def test_variable_has_the_path_of_what_is_mounted() -> None:
    env = {"DB": "sqlite:///{data}/b.sqlite", "KEY_FILE": "{key}", "MAIL_FILE": "{mail}"}
    secrets = {"key": "generated", "mail": "provided"}
    blog = containers(service(env=env, volumes=["data"], secrets=secrets))["blog"]
    own = {name: blog["environment"][name] for name in env}
    assert own == {
        "DB": "sqlite:////data/data/b.sqlite",
        "KEY_FILE": "/run/secrets/generated/key",
        "MAIL_FILE": "/run/secrets/provided/mail",
    }


def test_generated_secrets_are_written_before_the_service_starts() -> None:
    result = document(service(secrets={"key": "generated", "salt": "generated"}))
    writer, blog = result["services"]["blog-secrets"], result["services"]["blog"]
    assert writer["command"][-2:] == ["key", "salt"]
    assert (writer["network_mode"], writer["restart"]) == ("none", "no")
    assert "networks" not in writer
    assert writer["volumes"] == ["blog-secrets:/run/secrets/generated"]
    assert "blog-secrets" in result["volumes"]
    assert "blog-secrets:/run/secrets/generated:ro" in blog["volumes"]
    assert blog["depends_on"]["blog-secrets"] == COMPLETED
    assert blog["depends_on"]["init-config"] == COMPLETED


def test_provided_secret_is_a_file_that_must_exist() -> None:
    result = document(service(secrets={"mail": "provided"}))
    assert list(result["services"]) == ["blog"]
    assert "volumes" not in result
    [mount] = [item for item in result["services"]["blog"]["volumes"] if isinstance(item, dict)]
    assert mount == {
        "type": "bind",
        "source": "./secrets/blog/mail",
        "target": "/run/secrets/provided/mail",
        "read_only": True,
        "bind": {"create_host_path": False},
    }


def test_release_runs_before_the_service_with_what_the_service_has() -> None:
    result = containers(
        outside(
            release="flask --app blog run-sql 'a $b'",
            volumes=["data"],
            secrets={"key": "generated"},
            env={"DB": "{data}"},
        )
    )
    release, blog = result["blog-release"], result["blog"]
    assert release["command"] == ["flask", "--app", "blog", "run-sql", "a $$b"]
    assert blog["depends_on"]["blog-release"] == COMPLETED
    assert release["depends_on"]["blog-secrets"] == COMPLETED
    assert release["restart"] == "no"
    for key in ("image", "build", "volumes", "networks"):
        assert release[key] == blog[key]
    assert release["environment"]["DB"] == "/data/data"
    limits = release["deploy"]["resources"]["limits"]
    assert limits == blog["deploy"]["resources"]["limits"]


def test_release_is_no_instance() -> None:
    release = containers(service(release="true"))["blog-release"]
    assert not {"PORT", "OPS_PORT"} & release["environment"].keys()
    assert "labels" not in release
    assert "replicas" not in release["deploy"]
    assert release["healthcheck"] == {"disable": True}


@pytest.mark.parametrize(("cpu", "written"), [(1.0, "1"), (0.25, "0.25"), (12.5, "12.5")])
def test_limits_and_threads_are_the_declared_ones(cpu: float, written: str) -> None:
    limits = Limits(memory=64 * 2**20, series=500, cpu=cpu, pids=200)
    blog = containers(service(limits=limits, threads=3))["blog"]
    assert blog["deploy"]["resources"]["limits"] == {
        "cpus": written,
        "memory": "64M",
        "pids": 200,
    }
    assert blog["environment"]["THREADS"] == "3"


def test_long_responses_have_the_time_to_end() -> None:
    short = containers(service())["blog"]
    assert short["stop_grace_period"] == "25s"
    assert not {"GRACEFUL_TIMEOUT", "STALL_SECONDS"} & short["environment"].keys()
    limits = Limits(memory=64 * 2**20, series=500, response=60.0)
    long = containers(service(limits=limits))["blog"]
    assert long["stop_grace_period"] == "75s"
    assert long["environment"]["GRACEFUL_TIMEOUT"] == "60"
    assert long["environment"]["STALL_SECONDS"] == "65"


def test_gevent_has_connections_in_place_of_threads() -> None:
    blog = containers(service(server="gevent", connections=50))["blog"]
    assert blog["environment"]["THREADS"] == "50"
    assert blog["command"][:5] == ["python", "-m", "gevent.monkey", "--module", "gunicorn"]


def test_only_a_service_that_asks_for_it_reaches_other_hosts() -> None:
    result = document(service(networks=["outside"]), service(name="shop", port=5004))
    assert result["services"]["blog"]["networks"] == ["services", "outside"]
    assert result["services"]["shop"]["networks"] == ["services"]
    isolated = {"com.docker.network.bridge.enable_icc": "false"}
    assert result["networks"] == {"outside": {"driver_opts": isolated}}


def test_image_is_started_as_it_is() -> None:
    result = containers(service(image="example.com/team/blog:1.2", env={"A": "b"}))
    blog = result["blog"]
    assert list(result) == ["blog"]
    assert blog["image"] == "example.com/team/blog:1.2"
    assert not {"build", "command"} & blog.keys()
    assert "APP" not in blog["environment"]
    assert (blog["environment"]["A"], blog["environment"]["PORT"]) == ("b", 5003)
    assert blog["healthcheck"]["test"][-1] == "http://127.0.0.1:5053/readyz"
    assert "probe:/probe:ro" in blog["volumes"]


def test_own_dockerfile_may_use_the_image_with_the_library() -> None:
    result = containers(outside(dockerfile="docker/Dockerfile"))
    blog = result["blog"]
    assert blog["build"] == {
        "context": "../blog",
        "dockerfile": "docker/Dockerfile",
        "args": {"BASE": result[BASE]["image"]},
    }
    assert blog["healthcheck"]["test"][0] == "CMD"


def test_text_of_several_lines_can_be_read_in_the_file() -> None:
    text = compose_services({"blog": outside(requirements="requirements.txt")}, COMPOSE)
    assert "dockerfile_inline: |\n" in text
    assert "\n        COPY . /app\n" in text
    assert "&id" not in text
