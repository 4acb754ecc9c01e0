"""Start and stop a stack of containers."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence

from ...config.services import MAX_REPLICAS, SERVICES
from ..base import ProgressCallback
from ..native import port_check
from . import ensure_images, renumber, scaling, services
from .container_runtime import ONE_SHOT_SERVICES
from .errors import EngineError
from .project import ComposeProject

# All images are here by now; a slow machine takes half a minute to start everything.
TIMEOUT_S = 180


def check(project: ComposeProject, on_progress: ProgressCallback) -> None:
    """Check docker-compose.yml without starting anything."""
    project.cli.run("config", "--quiet", profiles=["*"])
    services.check_services(project.model())
    on_progress("docker-compose.yml is valid")


def up(project: ComposeProject, on_progress: ProgressCallback) -> Sequence[str]:
    """Start what is not running; return a sentence for each optional component left out."""
    project.cli.require_engine()
    with project.lock():
        is_new = not project.engine.running()
        if is_new:
            port_check.check(_published(project))
        project.write_overlay()
        model = project.model()
        services.check_services(model)
        availability = ensure_images.ensure_images(project.cli, model, on_progress)
        project.set_variables(availability.variables)
        try:
            _start(project, on_progress)
        except BaseException:
            if is_new:
                _stop(project, on_progress)  # also on Ctrl-C: leave no partial stack
            raise
    for sentence in secret_locations():
        on_progress(sentence)
    return availability.messages


def _start(project: ComposeProject, on_progress: ProgressCallback) -> None:
    renumber.remove_misnumbered(project, on_progress)
    on_progress("starting the containers …")
    scales = project.replicas.all()
    try:
        _compose_up(project, [f"{service}={count}" for service, count in scales.items()])
    except EngineError as error:
        raise EngineError(f"{error}{_last_log_line(project)}") from error
    if scales != project.replicas.all():
        scaling.publish_replicas(project, scales)  # init-config ran again with the settings' counts
    create_standby(project)


def secret_locations() -> Sequence[str]:
    """Return sentences that say where the random secrets are."""
    return (
        "Grafana's password for `admin`:"
        " docker compose exec grafana cat /run/secrets/grafana/password",
        "The token of /faults: docker compose exec web cat /run/secrets/faults/token",
    )


def _compose_up(project: ComposeProject, scales: Sequence[str]) -> None:
    project.cli.run(
        *("up", "--detach", "--wait", "--wait-timeout", str(TIMEOUT_S), "--remove-orphans"),
        *("--no-build", "--pull", "never"),
        *(item for scale in scales for item in ("--scale", scale)),
    )


def _last_log_line(project: ComposeProject) -> str:
    """Return the last log line of the first container that has failed."""
    for container in project.engine.containers():
        is_starting = container.state == "created" or container.health == "starting"
        is_healthy = (
            container.health == "healthy"
            if container.pid
            else container.service in ONE_SHOT_SERVICES
        )
        if not (is_starting or is_healthy):
            lines = project.cli.docker("logs", "--tail", "20", container.name).strip().splitlines()
            if lines:
                return f" The last log line of {container.instance}: {lines[-1][:400]}"
    return ""


def create_standby(project: ComposeProject) -> None:
    """Create the standby instances of every service, without starting them."""
    scales = [item for service in SERVICES for item in ("--scale", f"{service}={MAX_REPLICAS}")]
    project.cli.run("create", "--no-recreate", "--no-build", *scales, *SERVICES)


def down(project: ComposeProject, on_progress: ProgressCallback) -> None:
    """Remove every container and network of the project; the volumes stay."""
    project.cli.require_engine()
    with project.lock():
        _stop(project, on_progress)


def _stop(project: ComposeProject, on_progress: ProgressCallback) -> None:
    on_progress("stopping the containers …")
    # The data of an ephemeral stack is deleted too.
    volumes = ["--volumes"] if project.settings.ephemeral else []
    project.cli.run("down", "--remove-orphans", *volumes, profiles=["*"])
    shutil.rmtree(project.folder / "scratch", ignore_errors=True)


def _published(project: ComposeProject) -> Mapping[tuple[str, int], str]:
    """Return the variable that sets each published address and port."""
    return {
        (port["host_ip"], int(port["published"])): project.port_variable(int(port["published"]))
        for service in project.model()["services"].values()
        for port in service.get("ports", ())
    }
