"""What the responder does about an alert, and what keeps it from doing too much."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from apps.telemetry.metrics import Metrics

from ..settings import HealingSettings
from .alertmanager import Alertmanager
from .annotations import Annotations
from .control import Control
from .controls import Controls
from .current import Current
from .deeds import Deeds
from .gauges import Gauges
from .hands import Hands, Records
from .healer import Healer, Mode
from .loop import Loop
from .performer import Performer
from .read_policy import read
from .witnesses import All, Lines, Witness


@dataclass(frozen=True)
class Healing:
    """What the rest of the responder sees of it; `loop` is None where healing is off."""

    mode: str
    token: str
    records: Records
    loop: Loop | None = None

    def start(self) -> None:
        """Begin to heal."""
        if self.loop:
            self.loop.start()

    def wake(self) -> None:
        """Look at once, for something has changed."""
        if self.loop:
            self.loop.wake()


def assemble(settings: HealingSettings, database: Path, metrics: Metrics) -> Healing:
    """Put healing together over the journal in `database`; raise `PolicyError` for a bad policy."""
    records = Records(Current(database), Deeds(database), Controls(database))
    if settings.mode == "off":
        return Healing(settings.mode, settings.token, records)
    policy = read(settings.policy).at(settings.speed)
    gauges = Gauges(metrics)
    told: list[Witness] = [gauges, Lines()]
    if settings.grafana_url:
        told.append(Annotations(settings.grafana_url, settings.grafana_token))
    witness = All(*told)
    control = Control(settings.control_url, settings.control_token)
    hands = Hands(
        eyes=control,
        alertmanager=Alertmanager(settings.alertmanager_url),
        performer=Performer(control, records.deeds, witness),
        witness=witness,
        gauges=gauges,
    )
    healer = Healer(policy, records, hands, cast("Mode", settings.mode))
    loop = Loop(healer, database.with_name(f"{database.name}.healer"), settings.speed)
    return Healing(settings.mode, settings.token, records, loop)
