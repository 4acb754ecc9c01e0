"""What every runtime can do; the command line, the drills and the responder use nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol

# `ready`: it answers its probe. `standby`: stopped on purpose, beyond the service's scale.
State = Literal["ready", "unready", "starting", "stopped", "standby", "paused", "failed"]
ProgressCallback = Callable[[str], None]


@dataclass(frozen=True)
class Instance:
    """One running (or standby) copy of a service or of a part of the stack."""

    name: str
    service: str
    state: State
    pid: int | None
    address: str
    uptime_seconds: float | None
    # Whether it carries the heal label: the responder may restart it, and scale its service.
    heals: bool = False

    def as_dict(self) -> dict[str, object]:
        """Return the instance as JSON shows it."""
        return asdict(self)


class ControlTarget(Protocol):
    """What the control API asks of a runtime, and all that a Swarm's has.

    Every method raises `AlertdrillError`, whose text is one sentence with the way out.
    """

    def status(self) -> Sequence[Instance]:
        """Return every instance, with its state; empty when the stack is down."""
        ...

    def restart(self, target: str, grace: float | None = None) -> None:
        """Stop gracefully and start again; return when it serves.

        What has not left `grace` seconds later is killed, also where it is frozen: 0 is at once,
        and None leaves it the time that it has by itself.
        """
        ...

    def scale(self, service: str, count: int, on_progress: ProgressCallback) -> None:
        """Have `count` instances of a service serve; the others drain and end, or stand by."""
        ...


class Runtime(ControlTarget, Protocol):
    """One way to run the stack.

    `target` is the name of an instance or of a service, which means all of its instances, one
    after the other.
    """

    name: str

    def check(self, on_progress: ProgressCallback) -> None:
        """Check every configuration without starting anything."""
        ...

    def up(self, on_progress: ProgressCallback) -> Sequence[str]:
        """Start what is not running; return one sentence for each optional part not here."""
        ...

    def down(self, on_progress: ProgressCallback) -> None:
        """End everything that `up` started, also after a crash."""
        ...

    def instances(self, service: str) -> Sequence[Instance]:
        """Return the instances of one service, standby ones included."""
        ...

    def start(self, target: str) -> None:
        """Start what was stopped; return when it is ready."""
        ...

    def stop(self, target: str) -> None:
        """Stop gracefully; it stays wanted, so that alerts tell of it."""
        ...

    def kill(self, target: str) -> None:
        """End at once (SIGKILL); what supervises it starts it again."""
        ...

    def pause(self, target: str) -> None:
        """Freeze (SIGSTOP) until `resume`."""
        ...

    def resume(self, target: str) -> None:
        """Let a paused instance go on."""
        ...

    def logs(self, target: str | None, lines: int | None) -> Iterator[tuple[str, str]]:
        """Yield (instance, line), the last `lines` of each instance, or all that are kept.

        Those of an instance come in their order, and of several in any.
        """
        ...

    def follow(self, target: str | None, lines: int | None) -> Iterator[Iterable[tuple[str, str]]]:
        """Yield what `logs` would, at once, then again and again what was added, if anything.

        Each is to be read before the next is asked for. It has no end but its reader's.
        """
        ...

    @property
    def follows_new_instances(self) -> bool:
        """Tell whether `follow` also has the lines of instances that come and go meanwhile."""
        ...

    # What drills need

    @property
    def speed(self) -> float:
        """Return what every duration of the rules and routes is divided by; 1 is the real thing."""
        ...

    @property
    def ephemeral(self) -> bool:
        """Tell whether this is a run's own stack, whose series may be made up and forgotten."""
        ...

    def token(self) -> str:
        """Return the token that `/faults` of the services asks for."""
        ...

    def responder_token(self) -> str:
        """Return the token that the responder asks for where it is told what to do."""
        ...

    def grafana_token(self) -> str:
        """Return the token that annotations are written to Grafana with, empty without one."""
        ...

    def data(self, part: str) -> Path:
        """Return the folder where a part keeps its data."""
        ...

    def scratch(self) -> Path:
        """Return a folder on the stack's file system for files that grow; `down` removes it."""
        ...

    def configure(self, part: str, name: str, text: str | None) -> None:
        """Have a part read `text` as its file `name`; None puts back what belongs there.

        `name` is a main file of the part, which may be broken so, or one more of
        prometheus's `rules.d/*.yml` and `scrape.d/*.yml`. The committed files stay as they are.
        """
        ...

    def drop_targets(self, service: str) -> None:
        """Take a service out of what Prometheus scrapes, as if its targets were forgotten."""
        ...

    def restore_targets(self) -> None:
        """Put everything that serves back into what Prometheus scrapes."""
        ...

    def backfill(self, openmetrics: Path) -> None:
        """Give Prometheus the samples of a file, in OpenMetrics; of a rehearsal's stack alone."""
        ...

    def delete_series(self) -> None:
        """Delete every sample up to now; of a rehearsal's stack alone."""
        ...

    # Addresses

    def address(self, part: str) -> str:
        """Return the URL of a part of the stack, such as `prometheus`."""
        ...

    def resolve_url(self, link: str) -> str:
        """Return a link of a notification as it can be followed from here."""
        ...

    def addresses(self) -> Mapping[str, str]:
        """Return the URLs for people, by title."""
        ...
