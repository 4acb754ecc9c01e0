"""A new alert of one service: all links of its chain, each valid, with decisions marked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from ..config.derived import RULES as DERIVED_RULES
from ..config.service import Service
from .repository import (
    PROFILES_FILE,
    Repository,
    ScaffoldError,
    insert_at_end,
    render,
)

AlertKind = Literal["errors", "latency"]
ALERT_KINDS: Sequence[AlertKind] = get_args(AlertKind)
ALERT_NAME = r"([A-Z][a-z0-9]+)+"
POLICY, ALERTMANAGER = "alerting/policy.yml", "alerting/alertmanager.yml"
# The files of an alert's own.
LINKS = {
    "tests": "tests/rules/{}.yml",
    "runbook": "alerting/runbooks/{}.md",
    "drill": "drills/{}.yml",
}
# The load of these drills, for a service that has no profile of its name.
NORMAL_LOAD = "steady"
# A slow request of a drill takes this multiple of the limit, as in the drill of HighLatency.
SLOWNESS = 1.6
# The load balancer answers in place of a request that takes longer than `limits.response`; a slow
# request ends well before.
MAX_RESPONSE_SHARE = 0.9


def add_alert(
    repository: Repository, name: str, service: str, kind: AlertKind = "errors"
) -> Repository:
    """Return the repository with the chain of a new alert; raise `ScaffoldError` to refuse it.

    The links are the rule, its tests, the runbook, the drill and the policy entry. An inhibition
    rule keeps the fault of the drill from notifying for more than one alert.
    """
    _check_name(repository, name)
    if service not in repository.services:
        services = ", ".join(repository.services)
        raise ScaffoldError(f"There is no service {service!r}: known services are {services}.")
    rules = f"prometheus/rules/{service}.yml"
    values = {
        "alert": name,
        "service": service,
        "other": next(
            (other for other in repository.services if other != service), f"other-{service}"
        ),
        "rules": rules,
        "group": service,
        "profile": _load_of(repository, service),
        "affects": _affects(repository.services, service),
        **(_latency(repository.services[service]) if kind == "latency" else {}),
    }
    return repository.with_files(
        {
            rules: _rules(repository, rules, service, render(f"{kind}_rule", **values)),
            **{
                path.format(name): render(f"{kind}_{link}", **values)
                for link, path in LINKS.items()
            },
            POLICY: insert_at_end(
                repository.read(POLICY), ["alerts"], render(f"{kind}_policy", **values)
            ),
            ALERTMANAGER: insert_at_end(
                repository.read(ALERTMANAGER),
                ["inhibit_rules"],
                render(f"{kind}_inhibition", **values),
            ),
        }
    )


def _check_name(repository: Repository, name: str) -> None:
    if not re.fullmatch(ALERT_NAME, name):
        raise ScaffoldError(f"{name!r} is no name of an alert: use PascalCase, as in OrdersErrors.")
    for path, group in repository.rule_groups():
        if any(rule.get("alert") == name for rule in group["rules"]):
            raise ScaffoldError(f"The alert {name} is already in {path}: use another name.")
    for link in LINKS.values():
        if repository.exists(link.format(name)):
            raise ScaffoldError(f"{link.format(name)} exists already: use another name.")


def _load_of(repository: Repository, service: str) -> str:
    """Return the load whose clients the service answers, with a constant number of them."""
    loads = [
        name
        for name, profile in repository.profiles.items()
        if profile.service == service and profile.flat
    ]
    if not loads:
        raise ScaffoldError(
            f"No load sends requests to {service}, so a drill of its alert cannot succeed: append a"
            f" profile with `service: {service}` and `requests` to {PROFILES_FILE}, as"
            " docs/how-to/run-a-load.md shows."
        )
    return next((name for name in (service, NORMAL_LOAD) if name in loads), loads[0])


def _affects(services: Mapping[str, Service], service: str) -> str:
    """Return the line of a drill about the services that call this one; empty without any."""
    callers = [name for name, caller in services.items() if service in caller.calls]
    if not callers:
        return ""
    return f"  # Their requests wait for it, or fail with it.\n  affects: [{', '.join(callers)}]\n"


def _latency(service: Service) -> Mapping[str, str]:
    """Return the limit of a latency alert, and how slow the requests of its drill are."""
    limit, response = service.objective.latency, service.limits.response
    seconds = round(min(SLOWNESS * limit, MAX_RESPONSE_SHARE * response), 3)
    if seconds <= limit:
        raise ScaffoldError(
            f"{service.name} has {limit:g} s for a request, and the load balancer waits for"
            f" {response:g} s: an alert for slower requests cannot fire."
        )
    return {
        # As Prometheus writes the bounds of a histogram.
        "le": str(float(limit)),
        "limit_ms": f"{1000 * limit:g}",
        "seconds": f"{seconds:g}",
        "delay": f"{1000 * seconds:g}ms",
    }


def _rules(repository: Repository, path: str, service: str, rule: str) -> str:
    """Return the rule file of a service with one more rule, in the group of its name."""
    if path == DERIVED_RULES:
        raise ScaffoldError(f"{path} is written from apps/services.yml: rename {service}.")
    groups = list(repository.rule_groups())
    own = [group["name"] for file, group in groups if file == path]
    elsewhere = [file for file, group in groups if group["name"] == service and file != path]
    if elsewhere:
        raise ScaffoldError(
            f"{elsewhere[0]} has a group {service}, and the names of groups are unique: rename it."
        )
    group = f"  - name: {service}\n    rules:\n{rule}"
    if not own:
        return f"# The alerts of {service} alone.\ngroups:\n{group}"
    text = repository.read(path)
    if service not in own:
        return insert_at_end(text, ["groups"], f"\n{group}")
    return insert_at_end(text, ["groups", own.index(service), "rules"], f"\n{rule}")
