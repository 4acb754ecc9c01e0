"""The settings of every instrumented service."""

from __future__ import annotations

from dataclasses import dataclass

from .addresses import instance_name
from .env_reader import EnvReader
from .errors import SettingsError

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True)
class TelemetrySettings:
    """The settings of the instrumentation of one instance."""

    service: str
    instance: str
    version: str = "dev"
    log_level: str = "INFO"
    max_body_bytes: int = 1024 * 1024
    faults_enabled: bool = False
    faults_token: str = ""
    connect_timeout: float = 0.5
    read_timeout: float = 2.0
    trusted_proxies: int = 0
    host: str = "127.0.0.1"
    ops_port: int | None = None
    stall_seconds: float = 15.0

    @property
    def logs_requests(self) -> bool:
        """Whether every request has an access line: its level is INFO, or ERROR for errors."""
        return self.log_level in ("DEBUG", "INFO")

    @classmethod
    def from_env(cls, service: str, env: EnvReader) -> TelemetrySettings:
        """Read the settings of `service`; raise `SettingsError` with the name of a bad variable."""
        enabled = env.flag("FAULTS_ENABLED", default=False)
        token = env.secret("FAULTS_TOKEN", "") if enabled else ""
        if enabled and len(token) < 16:  # short enough to type, too long to guess over loopback
            raise SettingsError("FAULTS_ENABLED is 1: set FAULTS_TOKEN to 16 or more characters.")
        return cls(
            service=service,
            instance=env.text("INSTANCE", "") or instance_name(service, env.text("PROJECT", "")),
            version=env.text("VERSION", "dev"),
            log_level=env.choice("LOG_LEVEL", "INFO", LEVELS),
            # 1 MiB holds about 10,000 rows of a small table.
            max_body_bytes=env.integer("MAX_BODY_BYTES", 1024 * 1024, at_least=1),
            faults_enabled=enabled,
            faults_token=token,
            # A connection inside one site takes under a millisecond; after 0.5 s the host is gone.
            connect_timeout=env.number("CONNECT_TIMEOUT", 0.5, at_least=0.01, at_most=60),
            # A caller that waits longer holds a thread that other requests need.
            read_timeout=env.number("READ_TIMEOUT", 2.0, at_least=0.01, at_most=600),
            # The number of load balancers in front that append the client's address; 0 trusts none.
            trusted_proxies=env.integer("TRUSTED_PROXIES", 0, at_most=10),
            host=env.text("HOST", "127.0.0.1"),
            # 0: none, the operations endpoints are on the application's own port.
            ops_port=env.integer("OPS_PORT", 0, at_most=65535) or None,
            # Longer than the load balancer waits for an answer (10 s): a request that is only slow
            # has ended by then. 0: no check.
            stall_seconds=env.number("STALL_SECONDS", 15.0, at_most=3600),
        )
