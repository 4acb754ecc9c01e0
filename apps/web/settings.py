"""Settings of `web`."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.telemetry import Environment, SettingsError


@dataclass(frozen=True)
class WebSettings:
    """Where `data-service` is, when to stop asking it, and what the start page links to."""

    data_service_url: str
    breaker_failures: int = 5
    breaker_seconds: float = 5.0
    links: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_env(cls, env: Environment) -> WebSettings:
        """Read the settings; raise `SettingsError` naming a bad variable."""
        return cls(
            data_service_url=env.url("DATA_SERVICE_URL", "http://127.0.0.1:8081"),
            # Five failures in a row are no accident at any error ratio that we accept (1 %).
            breaker_failures=env.integer("BREAKER_FAILURES", 5, at_least=1),
            # Long enough for the load balancer to notice that an instance is back.
            breaker_seconds=env.number("BREAKER_SECONDS", 5.0, at_least=0.1, at_most=3600),
            links=_links(env.text("LINKS", "")),
        )


def _links(value: str) -> dict[str, str]:
    """Read `Prometheus=http://127.0.0.1:9090,...`."""
    links = {}
    for item in filter(None, value.split(",")):
        name, separator, address = item.partition("=")
        if not separator or not address.startswith(("http://", "https://", "/")):
            raise SettingsError(f"LINKS has {item!r}: it takes NAME=ADDRESS, separated by commas.")
        links[name.strip()] = address
    return links
