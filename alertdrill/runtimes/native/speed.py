"""What waits beside the rules and routes: in flags and variables, divided by the speed. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ...timescale.durations import format_milliseconds

# What Prometheus waits for, in seconds at speed 1.
PROMETHEUS = {
    # An alert that found no Alertmanager is sent again after this, not after a minute.
    "rules.alert.resend-delay": 15,
    # These are its own defaults. An alert that was pending goes on where it was after a restart:
    # one down for less than the first, if it had to hold for at least the second.
    "rules.alert.for-outage-tolerance": 3600,
    "rules.alert.for-grace-period": 600,
    # How old a series' last sample may be and still count as its present value.
    "query.lookback-delta": 300,
    # How soon a changed list of targets is scraped, once it is seen.
    "scrape.discovery-reload-interval": 5,
}
# What Loki's ruler waits for, in seconds, as loki/loki.yml has it.
LOKI = {"ruler.evaluation-interval": 5, "ruler.resend-delay": 15}
# What the blackbox exporter leaves of a scrape's time for its answer; its own default.
TIMEOUT_OFFSET = 0.5
# Three of Watchdog's notifications, as alerting/responder has it.
WATCHDOG_TIMEOUT = 180.0


def prometheus_flags(speed: float) -> list[str]:
    """Return the flags of Prometheus that are durations, to the millisecond."""
    return [f"--{flag}" for flag in _divided(PROMETHEUS, speed)]


def loki_flags(speed: float) -> list[str]:
    """Return the flags of Loki that are durations, to the millisecond."""
    return [f"-{flag}" for flag in _divided(LOKI, speed)]


def _divided(flags: Mapping[str, float], speed: float) -> list[str]:
    return [
        f"{name}={format_milliseconds(max(1, round(1000 * seconds / speed)))}"
        for name, seconds in flags.items()
    ]


def timeout_offset(speed: float) -> str:
    """Return the blackbox exporter's offset, in seconds."""
    return f"{TIMEOUT_OFFSET / speed:.4g}"


def watchdog_timeout(speed: float) -> str:
    """Return the responder's timeout, in seconds; it takes nothing below one."""
    return f"{max(1.0, WATCHDOG_TIMEOUT / speed):g}"
