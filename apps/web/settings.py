"""The settings of `web`."""

from __future__ import annotations

from dataclasses import dataclass, field

from alertdrill_telemetry import EnvReader, SettingsError


@dataclass(frozen=True)
class WebSettings:
    """The address of `data-service`, the breaker's limits and the links of the start page."""

    data_service_url: str
    breaker_failures: int = 5
    breaker_seconds: float = 5.0
    links: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_env(cls, env: EnvReader) -> WebSettings:
        """Read the settings; raise `SettingsError` with the name of a bad variable."""
        return cls(
            data_service_url=env.url("DATA_SERVICE_URL", "http://127.0.0.1:8081"),
            # At the accepted error ratio of 1 %, five failures in a row are not chance.
            breaker_failures=env.integer("BREAKER_FAILURES", 5, at_least=1),
            # Long enough for the load balancer to detect that an instance is back.
            breaker_seconds=env.number("BREAKER_SECONDS", 5.0, at_least=0.1, at_most=3600),
            links=_links(env.text("LINKS", "")),
        )


def _links(value: str) -> dict[str, str]:
    """Parse `Prometheus=http://127.0.0.1:9090,...`."""
    links = {}
    for item in filter(None, value.split(",")):
        name, separator, address = item.partition("=")
        if not separator or not address.startswith(("http://", "https://", "/")):
            raise SettingsError(f"LINKS has {item!r}: it must be NAME=URL, separated by commas.")
        links[name.strip()] = address
    return links
