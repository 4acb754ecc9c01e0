"""Bring a stack of containers up and down."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence

from ...settings import CEILING, SERVICES
from ..base import Notify
from ..native import ports
from . import declared, images, numbering, scaling
from .containers import ONE_SHOTS
from .errors import EngineError
from .hands import Hands

# Images are there by then; a slow machine takes half a minute for all that has to start.
PATIENCE = 180


def check(hands: Hands, notify: Notify) -> None:
    """Check docker-compose.yml without starting anything."""
    hands.compose.run("config", "--quiet", profiles=["*"])
    declared.check(hands.model())
    notify("docker-compose.yml is valid")


def up(hands: Hands, notify: Notify) -> Sequence[str]:
    """Start what does not run; return one sentence for each optional part not here."""
    hands.compose.require()
    with hands.locked():
        begins = not hands.engine.running()
        if begins:
            ports.check(_published(hands))
        hands.write_overlay()
        model = hands.model()
        declared.check(model)
        had = images.provide(hands.compose, model, notify)
        hands.leave_out(had.without)
        try:
            _start(hands, notify)
        except BaseException:
            if begins:
                _end(hands, notify)  # also on Ctrl-C: what is half up is of no use
            raise
    for sentence in secrets_at():
        notify(sentence)
    return had.missing


def _start(hands: Hands, notify: Notify) -> None:
    numbering.make_way(hands, notify)
    notify("starting the containers …")
    scales = hands.scale.scales()
    try:
        _compose_up(hands, [f"{service}={count}" for service, count in scales.items()])
    except EngineError as error:
        raise EngineError(f"{error}{_last_words(hands)}") from error
    if scales != hands.scale.scales():
        scaling.expect(hands, scales)  # the one-shot step has been run again, and knows the floor
    stand_by(hands)


def secrets_at() -> Sequence[str]:
    """Return where the secrets are that were made at random."""
    return (
        "Grafana's password for `admin`:"
        " docker compose exec grafana cat /run/secrets/grafana/password",
        "The token of /faults: docker compose exec web cat /run/secrets/faults/token",
    )


def _compose_up(hands: Hands, scales: Sequence[str]) -> None:
    hands.compose.run(
        *("up", "--detach", "--wait", "--wait-timeout", str(PATIENCE), "--remove-orphans"),
        *("--no-build", "--pull", "never"),
        *(item for scale in scales for item in ("--scale", scale)),
    )


def _last_words(hands: Hands) -> str:
    """Return what the first container that is not well said last."""
    for one in hands.engine.containers():
        begins = one.state == "created" or one.health == "starting"
        well = one.health == "healthy" if one.pid else one.service in ONE_SHOTS
        if not (begins or well):
            lines = hands.compose.docker("logs", "--tail", "20", one.name).strip().splitlines()
            if lines:
                return f" {one.instance} last said: {lines[-1][:400]}"
    return ""


def stand_by(hands: Hands) -> None:
    """Make the instances beyond the scale, up to the ceiling, without starting them."""
    scales = [item for service in SERVICES for item in ("--scale", f"{service}={CEILING}")]
    hands.compose.run("create", "--no-recreate", "--no-build", *scales, *SERVICES)


def down(hands: Hands, notify: Notify) -> None:
    """End every container of the project, and its networks; what must outlive it stays."""
    hands.compose.require()
    with hands.locked():
        _end(hands, notify)


def _end(hands: Hands, notify: Notify) -> None:
    notify("stopping the containers …")
    # A rehearsal's data goes with it.
    volumes = ["--volumes"] if hands.settings.rehearsal else []
    hands.compose.run("down", "--remove-orphans", *volumes, profiles=["*"])
    shutil.rmtree(hands.folder / "scratch", ignore_errors=True)


def _published(hands: Hands) -> Mapping[tuple[str, int], str]:
    """Return every address and port that is published, with the variable that sets the port."""
    return {
        (port["host_ip"], int(port["published"])): hands.variable(int(port["published"]))
        for service in hands.model()["services"].values()
        for port in service.get("ports", ())
    }
