"""Our services as Docker Compose runs them: the text of deploy/compose/services.yml."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from .service import SECRETS, Service, url_variable
from .service_values import RELEASE, SECRET_FILES
from .services import EXTERNAL_SERVICES, ops_port, pass_on

GUNICORN = ["gunicorn", "--config", "python:alertdrill_telemetry.gunicorn_conf"]
# What runs in place of the image's own command, which starts granian.
SERVERS = {
    "granian": {},
    "gunicorn": {"command": GUNICORN},
    "gevent": {"command": ["python", "-m", "gevent.monkey", "--module", *GUNICORN]},
}
# The image that an application outside of this repository is built on; nothing runs it.
BASE, BASE_IMAGE = "service-base", "alertdrill.invalid/service-base:${ALERTDRILL_VERSION:-0.1.0}"
# The proxies in front of the engine, which allow containers by their names.
PROXIES = ("docker-proxy", "drills-proxy")
# Where a service finds its files; each folder is a volume or a file of the host.
VOLUMES_FOLDER, GENERATED, PROVIDED = "/data", "/run/secrets/generated", "/run/secrets/provided"
# $$ is Compose's $. /venv has no pip, and the requirements of the application take precedence.
DOCKERFILE = """\
ARG BASE
FROM $$BASE
USER root
{folders}
{requirements}
COPY . /app
USER 10001:10001
"""
INSTALL = """\
COPY {file} /requirements.txt
RUN PATH="$${{PATH#/venv/bin:}}" python -m pip --python /venv/bin/python \\
      install --quiet --no-cache-dir --requirement /requirements.txt"""


def compose_services(services: Mapping[str, Service], compose: Mapping[str, Any]) -> str:
    """Return the services of docker-compose.yml as YAML; `compose` has what they share."""
    containers: dict[str, Any] = {}
    volumes: list[str] = []
    if any(service.path for service in services.values()):
        build = {**compose["x-tools"]["build"], "target": BASE}
        containers[BASE] = {"image": BASE_IMAGE, "build": build, "profiles": ["build"]}
    for service in services.values():
        containers |= _containers(service, compose)
        volumes += [volume for volume, _ in _volumes(service)]
    document: dict[str, Any] = {"services": containers}
    if any(service.networks for service in services.values()):
        # Other hosts, but not each other.
        isolated = {"com.docker.network.bridge.enable_icc": "false"}
        document["networks"] = {"outside": {"driver_opts": isolated}}
    if volumes:
        document["volumes"] = {volume: {} for volume in volumes}
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=10_000)


def external_overlay(services: Mapping[str, Service], compose: Mapping[str, Any]) -> str:
    """Return an overlay for docker-compose.yml with the services of other repositories.

    It is empty without any. The stack's own programs learn of them by variables.
    """
    external = {name: service for name, service in services.items() if service.file}
    if not external:
        return ""
    document = yaml.safe_load(compose_services(external, compose))
    names = "".join(f"|{name}" for name in document["services"] if name != BASE)
    passed_on = {EXTERNAL_SERVICES: pass_on(external).replace("$", "$$")}
    document["services"] |= {
        **{name: {"environment": passed_on} for name in ("init-config", "control", "drills")},
        **{name: {"environment": {"EXTERNAL_NAMES": names}} for name in PROXIES},
    }
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=10_000)


def _containers(
    service: Service, compose: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the container of a service, and before it those that run once."""
    name, first = service.name, dict(compose["x-service"]["depends_on"])
    completed = {"condition": "service_completed_successfully"}
    generated = [secret for secret, origin in service.secrets.items() if origin == "generated"]
    if generated:
        yield f"{name}{SECRET_FILES}", _generate_secrets(service, generated, compose)
        first[f"{name}{SECRET_FILES}"] = completed
    memory = f"{service.limits.memory // 2**20}M"
    limits = {"cpus": f"{service.limits.cpu:g}", "memory": memory, "pids": service.limits.pids}
    common = {
        **_origin(service, compose["x-tools"]["build"]),
        "environment": {
            **compose["x-environment"],
            "SERVICE": name,
            **({} if service.image else {"APP": service.application}),
            **service.server_environment,
            **dict.fromkeys(map(url_variable, service.calls), "http://lb:8081"),
            **_own_environment(service),
        },
        **compose["x-hardened"],
        **compose["x-service"],
        "volumes": [*compose["x-service"]["volumes"], *_mounts(service)],
        "networks": [*compose["x-service"]["networks"], *service.networks],
        "depends_on": first,
        "stop_grace_period": f"{math.ceil(service.stop_seconds)}s",
        "memswap_limit": memory,
    }
    if service.release:
        yield (
            f"{name}{RELEASE}",
            {
                **common,
                "command": shlex.split(service.release.replace("$", "$$")),
                "restart": "no",
                "healthcheck": {"disable": True},
                "deploy": {"resources": {"limits": limits}},
            },
        )
        common["depends_on"] = {**first, f"{name}{RELEASE}": completed}
    ports = {"PORT": service.port, "OPS_PORT": ops_port(service.port)}
    yield (
        name,
        {
            **common,
            **SERVERS[service.server],
            **(_checked_from_outside(service) if service.image or service.dockerfile else {}),
            "environment": {**common["environment"], **ports},
            # Whether the responder may restart and scale it.
            "labels": {"alertdrill.heal": str(int(service.heal))},
            "deploy": {"replicas": service.replicas.min, "resources": {"limits": limits}},
        },
    )


def _generate_secrets(
    service: Service, names: list[str], compose: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the container that writes the generated secrets of a service, and ends."""
    return {
        **compose["x-hardened"],
        **compose["x-tools"],
        "command": ["python", "-m", "alertdrill.runtimes.compose.init_config", *names],
        "restart": "no",
        "volumes": [f"{service.name}{SECRET_FILES}:{GENERATED}"],
        "network_mode": "none",
        "memswap_limit": "48M",
        "deploy": {"resources": {"limits": {"cpus": "1", "memory": "48M", "pids": 32}}},
    }


def _checked_from_outside(service: Service) -> Mapping[str, Any]:
    """Return the health check of an image that need not be like ours."""
    url = f"http://127.0.0.1:{ops_port(service.port)}/readyz"
    return {
        "healthcheck": {
            "test": ["CMD", "/probe/wget", "-q", "-T", "2", "-O", "-", url],
            **{"interval": "5s", "timeout": "3s", "retries": 3, "start_period": "30s"},
        }
    }


def _origin(service: Service, build: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the image of a service, and how it is built unless it exists."""
    if service.image:
        return {"image": service.image}
    digest = f"{service.variable}_DIGEST"
    image = (
        f"${{REGISTRY:-alertdrill.invalid}}/{service.name}:${{ALERTDRILL_VERSION:-0.1.0}}"
        f"${{REGISTRY:+@${{{digest}:-sha256:{digest}-is-not-set}}}}"
    )
    return {"image": image, "build": _build(service, build)}


def _build(service: Service, build: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return how the image is built: from apps/Dockerfile, or on BASE from a folder outside."""
    if service.path is None:
        arguments = {**build["args"], "SERVICE": service.name}
        if service.volumes:
            arguments["VOLUMES"] = " ".join(service.volumes)
        return {**build, "target": "prod", "args": arguments}
    if service.dockerfile:
        dockerfile = {"context": service.path, "dockerfile": service.dockerfile}
        return {**dockerfile, "args": {"BASE": BASE_IMAGE}}
    paths = " ".join(f"{VOLUMES_FOLDER}/{name}" for name in service.volumes)
    folders = f"RUN mkdir {paths} && chown 10001:10001 {paths}" if paths else ""
    install = INSTALL.format(file=service.requirements) if service.requirements else ""
    return {
        "context": service.path,
        "dockerfile_inline": DOCKERFILE.format(folders=folders, requirements=install),
        "args": {"BASE": BASE_IMAGE},
    }


def _own_environment(service: Service) -> Mapping[str, str]:
    files = {name: f"{VOLUMES_FOLDER}/{name}" for name in service.volumes}
    for name, origin in service.secrets.items():
        files[name] = f"{GENERATED if origin == 'generated' else PROVIDED}/{name}"
    own = service.environment(files)
    return {variable: value.replace("$", "$$") for variable, value in own.items()}


def _volumes(service: Service) -> Iterator[tuple[str, str]]:
    """Yield each volume of a service and where it is mounted; a service only reads its secrets."""
    for name in service.volumes:
        yield f"{service.name}-{name}", f"{VOLUMES_FOLDER}/{name}"
    if "generated" in service.secrets.values():
        yield f"{service.name}{SECRET_FILES}", f"{GENERATED}:ro"


def _mounts(service: Service) -> Iterator[object]:
    for volume, path in _volumes(service):
        yield f"{volume}:{path}"
    if service.image or service.dockerfile:
        yield "probe:/probe:ro"
    for name, origin in service.secrets.items():
        if origin == "provided":
            yield {
                "type": "bind",
                "source": f"./{SECRETS}/{service.name}/{name}",
                "target": f"{PROVIDED}/{name}",
                "read_only": True,
                # Without the file the start fails, and the engine creates no folder in its place.
                "bind": {"create_host_path": False},
            }


class _Dumper(yaml.SafeDumper):
    """Writes no aliases, and indents lists; a text of several lines is a block."""

    def ignore_aliases(self, _data: object) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        return super().increase_indent(flow, indentless=False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
