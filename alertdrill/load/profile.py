"""The load profiles of loadtests/profiles.yml: the shape of each load and its objectives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from ..config import ROOT
from ..config.service import Service
from ..config.services import SERVICES
from ..config.yaml_lines import Seconds, YamlDocument, YamlModel, sentence
from ..errors import AlertdrillError

PROFILES_FILE = ROOT / "loadtests" / "profiles.yml"


def _request_path(path: object) -> object:
    # Locust appends it to the URL of the load balancer.
    if not isinstance(path, str) or not re.fullmatch(r"/\S*", path):
        raise ValueError("use a path that starts with a slash, as in /orders/3")
    return path


RequestPath = Annotated[str, BeforeValidator(_request_path)]
Point = Annotated[Sequence[float], Field(min_length=2, max_length=2)]


class LoadError(AlertdrillError):
    """The load does not exist, or it could not run or be measured."""


class Objectives(YamlModel):
    """The objectives: `p95` in seconds, `errors` and `requests` as ratios.

    Without `p95` the latency limit of the service holds. `requests` is relative to clients that
    send once a second and get immediate responses.
    """

    p95: Seconds | None = None
    errors: float
    requests: float


class Recovery(YamlModel):
    """At the peak, p95 must return below the service's limit within `deadline` seconds.

    At the end of the load the services are back at their minimum.
    """

    deadline: Seconds


class CapacitySearch(YamlModel):
    """The precision of the capacity search, as a ratio, and its maximum of users."""

    resolution: float
    max_users: int


class LoadRequest(YamlModel):
    """A request of a load; a file gives its `body`, which is sent as JSON, in the key `json`."""

    path: RequestPath
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    body: Any = Field(default=None, validation_alias="json")
    headers: Mapping[str, str] = {}


class LoadProfile(YamlModel):
    """A load profile: the default `users` (maximum) and `duration` in seconds.

    `service` is the one that answers the clients. `clients` are points of (fraction of the time,
    fraction of the users), in order of time. `mix` has the weights of their kinds; with `requests`,
    each client sends these in turn instead. The first `warmup` seconds are not counted.
    `scaled_with_speed` divides the durations by the speed. `for_instances` is the number of
    instances that `users` is meant for.
    """

    name: str = ""
    description: str
    service: str
    users: int
    for_instances: int | None = None
    mix: Mapping[Literal["normal", "heavy", "slow", "invalid"], int] = {"normal": 1}
    requests: Sequence[LoadRequest] = Field(default=(), min_length=1)
    duration: Seconds
    clients: Sequence[Point]
    objectives: Objectives
    scaled_with_speed: bool = False
    warmup: Seconds = 0.0
    recovery: Recovery | None = None
    search: CapacitySearch | None = None

    @model_validator(mode="after")
    def _check_clients(self) -> Self:
        if self.requests and "mix" in self.model_fields_set:
            raise sentence("mix and requests exclude each other: use one of them", "requests")
        return self

    @property
    def flat(self) -> bool:
        """Return whether the number of clients is constant."""
        return len({users for _, users in self.clients}) == 1

    def at(self, speed: float) -> LoadProfile:
        """Return the profile for a stack with this speed."""
        if not self.scaled_with_speed:
            return self
        recovery = self.recovery and self.recovery.model_copy(
            update={"deadline": self.recovery.deadline / speed}
        )
        return self.model_copy(update={"duration": self.duration / speed, "recovery": recovery})

    def for_stack(self, instances: int) -> LoadProfile:
        """Return the profile for a stack with this number of instances of the service."""
        if not self.for_instances or not instances:
            return self
        return self.model_copy(update={"users": self.users * instances // self.for_instances})

    def resized(self, users: int | None, duration: float | None) -> LoadProfile:
        """Return the profile with other numbers, where they are given."""
        changed = {"users": users or self.users, "duration": duration or self.duration}
        return self.model_copy(update=changed)

    @property
    def latency_limit(self) -> float:
        """Return the latency limit of the service, in seconds."""
        return SERVICES[self.service].objective.latency

    @property
    def p95(self) -> float:
        """Return the maximum of the 95th percentile of response times, in seconds."""
        return self.objectives.p95 or self.latency_limit

    @property
    def counted_seconds(self) -> float:
        """Return the duration without the warm-up."""
        return self.duration - self.warmup

    @property
    def expected_requests(self) -> float:
        """Return the expected requests: the area under the line of clients."""
        area = sum(
            (end - begin) * (low + high) / 2 for (begin, low), (end, high) in pairwise(self.clients)
        )
        return area * self.users * self.counted_seconds


def load_profiles(
    file: Path | None = None, services: Mapping[str, Service] = SERVICES
) -> Mapping[str, LoadProfile]:
    """Return all load profiles by name; raise `LoadError` if one is invalid."""
    document = YamlDocument(file or PROFILES_FILE, LoadError)
    profiles = document.parse(dict[str, LoadProfile])
    for name, profile in profiles.items():
        if profile.service not in services:
            document.refuse(
                f"service is {profile.service!r}: use one of {', '.join(services)}", name, "service"
            )
    return {name: item.model_copy(update={"name": name}) for name, item in profiles.items()}


def load_profile(name: str) -> LoadProfile:
    """Return a load profile; raise `LoadError` with the known names otherwise."""
    profiles = load_profiles()
    if name not in profiles:
        raise LoadError(f"no load named {name!r}: known loads are {', '.join(profiles)}")
    return profiles[name]
