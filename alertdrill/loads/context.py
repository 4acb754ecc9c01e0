"""Create the context of a load from the current stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..drills.clients import Prometheus
from ..errors import AlertdrillError
from ..runtimes import Runtime
from ..runtimes.base import ProgressCallback
from ..settings import SERVICES, StackSettings
from . import events, locust_runner
from .events import Event
from .measurements import TimeSpan
from .run import LoadContext


def create_context(
    settings: StackSettings, runtime: Runtime, host: str | None, on_progress: ProgressCallback
) -> LoadContext:
    """Return the context; `host` receives the load, by default the load balancer."""
    is_native = runtime.name == "native"
    prometheus = Prometheus(runtime.address("prometheus"))
    return LoadContext(
        run_load=(
            locust_runner.native_runner(settings, runtime, host)
            if is_native
            else locust_runner.compose_runner(settings, host)
        ),
        runtime=runtime,
        prometheus=prometheus,
        min_replicas={service: settings.min_replicas(service) for service in SERVICES},
        events_in=_event_source(prometheus, runtime, on_progress),
    )


def _event_source(
    prometheus: Prometheus, runtime: Runtime, on_progress: ProgressCallback
) -> Callable[[TimeSpan], Sequence[Event]]:
    def events_in(span: TimeSpan) -> Sequence[Event]:
        result = list(events.alert_events(prometheus, span))
        try:
            result += events.action_events(runtime.address("responder"), span)
        except AlertdrillError as error:  # a report without actions is better than none
            on_progress(str(error))
        return result

    return events_in
