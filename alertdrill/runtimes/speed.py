"""Flags and variables with durations that time compression divides by the speed. Pure."""

from __future__ import annotations

from ..config.durations import format_milliseconds

# Prometheus's durations, in seconds at speed 1.
PROMETHEUS = {
    # Delay before an alert is sent again that reached no Alertmanager; the default is a minute.
    "--rules.alert.resend-delay": 15,
    # Defaults. After a restart, a pending alert continues if the outage was shorter than the
    # first and its `for` is at least the second.
    "--rules.alert.for-outage-tolerance": 3600,
    "--rules.alert.for-grace-period": 600,
    # Maximum age of a series' last sample as its present value.
    "--query.lookback-delta": 300,
    # Delay from a changed list of targets to its scrape.
    "--scrape.discovery-reload-interval": 5,
}
# The ruler's durations, in seconds, as loki/loki.yml has them.
LOKI = {"-ruler.evaluation-interval": 5, "-ruler.resend-delay": 15}
# The part of a scrape timeout that the blackbox exporter reserves; its default.
TIMEOUT_OFFSET = 0.5
# Three intervals of Watchdog's notifications, as in alerting/responder.
WATCHDOG_TIMEOUT = 180.0


def prometheus_flags(speed: float) -> list[str]:
    """Return Prometheus's flags that are durations, to the millisecond."""
    return _divided(PROMETHEUS, speed)


def loki_flags(speed: float) -> list[str]:
    """Return Loki's flags that are durations, to the millisecond."""
    return _divided(LOKI, speed)


def _divided(flags: dict[str, int], speed: float) -> list[str]:
    return [
        f"{flag}={format_milliseconds(max(1, round(1000 * seconds / speed)))}"
        for flag, seconds in flags.items()
    ]


def timeout_offset(speed: float) -> str:
    """Return the blackbox exporter's offset, in seconds."""
    return f"{TIMEOUT_OFFSET / speed:.4g}"


def watchdog_timeout(speed: float) -> str:
    """Return the responder's timeout, in seconds; its minimum is 1."""
    return f"{max(1.0, WATCHDOG_TIMEOUT / speed):g}"
