"""The interface of every runtime, for the command line, the drills and the control API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol

# `ready`: its probe succeeds. `standby`: stopped on purpose, beyond the service's replica count.
State = Literal["ready", "unready", "starting", "stopped", "standby", "paused", "failed"]
ProgressCallback = Callable[[str], None]


@dataclass(frozen=True)
class Instance:
    """One running or standby replica of a service, or of a component of the stack."""

    name: str
    service: str
    state: State
    pid: int | None
    address: str
    uptime_seconds: float | None
    # Whether it has the heal label: the responder may restart it and scale its service.
    healing_enabled: bool = False

    def as_dict(self) -> dict[str, object]:
        """Return the instance as a JSON object."""
        return asdict(self)


class ControlTarget(Protocol):
    """The operations that the control API needs from a runtime.

    Docker Swarm implements only these. Every method raises `AlertdrillError` with one sentence
    that says what to do.
    """

    def status(self) -> Sequence[Instance]:
        """Return every instance with its state; empty when the stack is down."""
        ...

    def restart(self, target: str, grace: float | None = None) -> None:
        """Stop a target gracefully and start it again; return when it is ready.

        After `grace` seconds the rest is killed, even if it is frozen: 0 kills at once, None keeps
        the target's own grace period.
        """
        ...

    def scale(self, service: str, count: int, on_progress: ProgressCallback) -> None:
        """Scale a service to `count` instances; the others drain and go on standby."""
        ...


class Runtime(ControlTarget, Protocol):
    """One way to run the stack.

    `target` names an instance, or a service for all of its instances, one after the other.
    """

    name: str

    def check(self, on_progress: ProgressCallback) -> None:
        """Check every configuration without starting anything."""
        ...

    def up(self, on_progress: ProgressCallback) -> Sequence[str]:
        """Start what is not running; return a sentence for each optional component left out."""
        ...

    def down(self, on_progress: ProgressCallback) -> None:
        """Stop everything that `up` started, also after a crash."""
        ...

    def instances(self, service: str) -> Sequence[Instance]:
        """Return the instances of one service, including those on standby."""
        ...

    def start(self, target: str) -> None:
        """Start a stopped target; return when it is ready."""
        ...

    def stop(self, target: str, grace: float | None = None) -> None:
        """Stop a target; Prometheus still expects it, so alerts fire.

        `grace` is as in `restart`.
        """
        ...

    def kill(self, target: str) -> None:
        """Kill a target (SIGKILL); its supervisor starts it again."""
        ...

    def pause(self, target: str) -> None:
        """Freeze a target (SIGSTOP) until `resume`."""
        ...

    def resume(self, target: str) -> None:
        """Resume a paused target."""
        ...

    def logs(self, target: str | None, lines: int | None) -> Iterator[tuple[str, str]]:
        """Yield (instance, line): the last `lines` of each instance, or all that are kept.

        The lines of one instance are in order; instances are in any order.
        """
        ...

    def follow(self, target: str | None, lines: int | None) -> Iterator[Iterable[tuple[str, str]]]:
        """Yield the batch that `logs` would return, then one batch of new lines after another.

        Read each batch before you ask for the next. The iterator ends only when its reader stops.
        """
        ...

    @property
    def follows_new_instances(self) -> bool:
        """Return whether `follow` includes instances that start later."""
        ...

    # For drills

    @property
    def speed(self) -> float:
        """Return the divisor of every duration in rules and routes; 1 is real time."""
        ...

    @property
    def ephemeral(self) -> bool:
        """Return whether this is an ephemeral stack, whose series may be backfilled and deleted."""
        ...

    def faults_token(self) -> str:
        """Return the token for `/faults` of the services."""
        ...

    def responder_token(self) -> str:
        """Return the token for the responder's API."""
        ...

    def grafana_token(self) -> str:
        """Return the token for Grafana annotations; empty without one."""
        ...

    def data_folder(self, component: str) -> Path:
        """Return the data folder of a component."""
        ...

    def scratch_folder(self) -> Path:
        """Return a folder on the stack's file system for files that grow; `down` deletes it."""
        ...

    def configure(self, component: str, name: str, text: str | None) -> None:
        """Replace a component's configuration file `name` with `text`; None restores the original.

        `name` is a main configuration file of the component, or an extra file in prometheus's
        `rules.d/*.yml` or `scrape.d/*.yml`. The committed files stay unchanged.
        """
        ...

    def drop_targets(self, service: str) -> None:
        """Remove a service from Prometheus's list of targets."""
        ...

    def restore_targets(self) -> None:
        """Restore the complete list of Prometheus's targets."""
        ...

    def backfill(self, openmetrics: Path) -> None:
        """Load the samples of an OpenMetrics file into Prometheus; only in an ephemeral stack."""
        ...

    def delete_series(self) -> None:
        """Delete every sample up to now; only in an ephemeral stack."""
        ...

    # Addresses

    def address(self, component: str) -> str:
        """Return the URL of a component of the stack, such as `prometheus`."""
        ...

    def resolve_url(self, link: str) -> str:
        """Return the URL of a notification's link as this process can reach it."""
        ...

    def addresses(self) -> Mapping[str, str]:
        """Return the user-facing URLs, by title."""
        ...
