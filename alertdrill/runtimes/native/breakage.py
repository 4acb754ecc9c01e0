"""What a drill breaks of the configurations and targets, and how it is put back."""

from __future__ import annotations

import signal
from pathlib import PurePosixPath

from ...errors import AlertdrillError
from . import configs, processes
from .hands import Hands


class UnconfigurableError(AlertdrillError):
    """There is no such configuration file to put in the place of another, or beside it."""


def configure(hands: Hands, part: str, name: str, text: str | None) -> None:
    """Have a part read `text` as its file `name`; None puts back what belongs there.

    What may be replaced is what `configs.COMMITTED` lays out, and more `.yml` files may lie in
    the folders of `configs.EXTRA`. The committed files themselves stay as they are.
    """
    whole = f"{part}/{name}"
    _require_replaceable(hands, whole)
    if text is not None:
        configs.replace(hands.layout.etc / whole, text)
    elif whole == configs.WEBHOOK:
        configs.write_webhook(hands.layout, f"http://{hands.plan().of('responder')[0].address}")
    elif whole in configs.COMMITTED:
        configs.lay(hands.layout, whole, hands.settings.speed)
    else:
        (hands.layout.etc / whole).unlink(missing_ok=True)
    _reread(hands, part)


def _require_replaceable(hands: Hands, whole: str) -> None:
    path = PurePosixPath(whole)
    extra = str(path.parent) in configs.EXTRA and path.suffix == ".yml"
    committed = whole in configs.COMMITTED and not (hands.layout.etc / whole).is_dir()
    if not extra and not committed and whole != configs.WEBHOOK:
        folders = ", ".join(f"{folder}/*.yml" for folder in configs.EXTRA)
        raise UnconfigurableError(f"{whole} can't be configured: {folders} and the main files can.")


def _reread(hands: Hands, part: str) -> None:
    if part in configs.LOOKS_ITSELF:
        return
    for info in hands.supervisor.processes().values():
        # One that is down reads it when it starts.
        if info["pid"] and info["name"].rpartition("-")[0] == part:
            processes.signal_instance(info["pid"], signal.SIGHUP)


def unlist(hands: Hands, service: str) -> None:
    """Have Prometheus scrape a service no longer, as if its targets were forgotten.

    It looks at its targets every five seconds, at any speed.
    """
    wanted = hands.scale.wanted(hands.plan())
    left = [process for process in wanted if process.service != service]
    configs.write_stack_targets(hands.layout, left)
    configs.write_service_targets(hands.layout, left)


def relist(hands: Hands) -> None:
    """Have Prometheus scrape everything again that serves."""
    plan = hands.plan()
    configs.write_fixed_targets(hands.layout, plan)
    configs.write_service_targets(hands.layout, hands.scale.wanted(plan))
