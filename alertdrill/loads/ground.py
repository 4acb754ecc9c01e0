"""A stack that is up, as loads need it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..drills.clients import Prometheus
from ..errors import AlertdrillError
from ..runtimes import Runtime
from ..runtimes.base import ProgressCallback
from ..settings import SERVICES, StackSettings
from . import locust, marks
from .marks import Mark
from .observed import Span
from .run import Ground


def ground(
    settings: StackSettings, runtime: Runtime, host: str | None, on_progress: ProgressCallback
) -> Ground:
    """Return the stack as it is; loads go to `host`, to its load balancer where that is None."""
    is_native = runtime.name == "native"
    prometheus = Prometheus(runtime.address("prometheus"))
    return Ground(
        make=(
            locust.native(settings, runtime, host) if is_native else locust.compose(settings, host)
        ),
        runtime=runtime,
        prometheus=prometheus,
        min_replicas={service: settings.min_replicas(service) for service in SERVICES},
        happened=_happened(prometheus, runtime, on_progress),
    )


def _happened(
    prometheus: Prometheus, runtime: Runtime, on_progress: ProgressCallback
) -> Callable[[Span], Sequence[Mark]]:
    def happened(span: Span) -> Sequence[Mark]:
        found = list(marks.alerts(prometheus, span))
        try:
            found += marks.actions(runtime.address("responder"), span)
        except AlertdrillError as error:  # a page without them is better than none
            on_progress(str(error))
        return found

    return happened
