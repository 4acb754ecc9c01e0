"""What every operation on a native stack works with."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ...errors import AlertdrillError
from ...grafana_token import Grafana, ensure
from ...programs import CATALOGUE, Located, Program, default_cache, locate
from ...settings import StackSettings
from ..base import Notify
from ..errors import StackAwayError
from ..series import SeriesError, Store
from .layout import Layout
from .lb import LoadBalancer
from .plan import Plan, make_plan
from .process import Site, url
from .state import ScaleState
from .supervisor import Supervisor

# How often to look whether another has let go of the stack.
STEP = 0.1


class NotRunningError(StackAwayError):
    """The stack is down."""


class Hands:
    """The supervisor, the load balancer and the files of one stack."""

    def __init__(self, settings: StackSettings) -> None:
        self.settings = settings
        self.layout = Layout(settings.home / "native")
        self.supervisor = Supervisor(self.layout)
        self.lb = LoadBalancer(self.layout.lb_socket, self.layout.lb_state)
        self.scale = ScaleState(self.layout.state, settings)

    @property
    def mark(self) -> str:
        """The mark that every process of this stack carries."""
        return str(self.layout.home)

    def word(self, name: str) -> str:
        """Return supervisord's word for a process."""
        return str(self.supervisor.processes()[name]["statename"])

    def locate(self, notify: Notify) -> Located:
        """Find the programs, fetching what is missing."""
        return locate(CATALOGUE, self.settings.cache or default_cache(os.environ), notify)

    def plan(self, located: Located | None = None) -> Plan:
        """Return what there is to run on this machine."""
        programs = (located or self.locate(lambda _: None)).programs
        return make_plan(Site(self.settings, self.layout, programs, self.token()))

    def store(self, programs: Mapping[str, Program]) -> Store:
        """Return Prometheus's storage."""
        return Store(
            folder=self.layout.data / "prometheus",
            url=url(self.settings.ports.prometheus),
            retention=self.settings.retention,
            promtool=programs["promtool"].path,
        )

    def rehearsed(self, what: str) -> Store:
        """Return the storage of a rehearsal's own stack; raise `SeriesError` for a real one."""
        if not self.settings.rehearsal:
            raise SeriesError(
                f"The series of a real stack are not {what}: do it in a rehearsal's own stack."
            )
        self.require_running()
        return self.store(self.locate(lambda _: None).programs)

    def token(self) -> str:
        """Return the token for `/faults`, made at random the first time."""
        return self._secret(self.layout.token)

    def responder_token(self) -> str:
        """Return the token of the responder's own API, made at random the first time."""
        return self._secret(self.layout.responder_token)

    def make_secrets(self) -> None:
        """Make every secret that the programs read from a file by themselves."""
        for file in (
            self.layout.grafana_password,
            self.layout.control_token,
            self.layout.responder_token,
        ):
            self._secret(file)

    def grafana_password(self) -> str:
        """Return Grafana's password, made at random the first time."""
        return self._secret(self.layout.grafana_password)

    def make_grafana_token(self) -> None:
        """Have Grafana, which runs, give a token for annotations; raise `TokenError` otherwise."""
        grafana = Grafana(url(self.settings.ports.grafana), self.grafana_password())
        ensure(grafana, self.layout.grafana_token)

    def grafana_token(self) -> str:
        """Return the token for annotations, empty where Grafana has given none."""
        file = self.layout.grafana_token
        return file.read_text().strip() if file.exists() else ""

    def _secret(self, file: Path) -> str:
        if not file.exists() or not file.stat().st_size:  # empty: cut off by a crash
            self.layout.make()
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(32))
        return file.read_text().strip()

    def require_running(self) -> None:
        """Raise `NotRunningError` unless the stack is up."""
        if not self.supervisor.alive():
            raise NotRunningError("The stack is down: start it with `make up`.")

    @contextmanager
    def locked(self, patience: float = 0.0) -> Iterator[None]:
        """Keep others from changing this stack meanwhile, once they let go within `patience`."""
        self.layout.make()
        deadline = time.monotonic() + patience
        with self.layout.lock.open("w") as held:
            while not _taken(held):
                if time.monotonic() > deadline:
                    raise AlertdrillError(
                        "Another alertdrill command, or the responder, is changing this stack:"
                        " wait for it to end."
                    )
                time.sleep(STEP)
            yield


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
