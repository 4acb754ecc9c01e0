"""What every runtime can do; the command line, the drills and the responder use nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Protocol

# `ready`: it answers its probe. `standby`: stopped on purpose, beyond the service's scale.
State = Literal["ready", "unready", "starting", "stopped", "standby", "paused", "failed"]
Notify = Callable[[str], None]


@dataclass(frozen=True)
class Instance:
    """One running (or standby) copy of a service or of a part of the stack."""

    name: str
    service: str
    state: State
    pid: int | None
    address: str
    uptime_seconds: float | None

    def as_dict(self) -> dict[str, object]:
        """Return the instance as JSON shows it."""
        return asdict(self)


class Runtime(Protocol):
    """One way to run the stack.

    Every method raises `FiredrillError`, whose text is one sentence with the way out. `target`
    is the name of an instance or of a service, which means all of its instances.
    """

    name: str

    def check(self, notify: Notify) -> None:
        """Check every configuration without starting anything."""
        ...

    def up(self, notify: Notify) -> Sequence[str]:
        """Start what is not running; return one sentence for each optional part not here."""
        ...

    def down(self, notify: Notify) -> None:
        """End everything that `up` started, also after a crash."""
        ...

    def status(self) -> Sequence[Instance]:
        """Return every instance, with its state; empty when the stack is down."""
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

    def restart(self, target: str) -> None:
        """Stop gracefully and start again, one instance after the other."""
        ...

    def scale(self, service: str, count: int, notify: Notify) -> None:
        """Have `count` instances of a service serve; the others drain and stand by."""
        ...

    def logs(self, target: str | None, lines: int, *, follow: bool) -> Iterator[tuple[str, str]]:
        """Yield (instance, line), the last `lines` of each, then new ones if `follow`."""
        ...

    def address(self, part: str) -> str:
        """Return the URL of a part of the stack, such as `prometheus`."""
        ...

    def addresses(self) -> Mapping[str, str]:
        """Return the URLs for people, by title."""
        ...
