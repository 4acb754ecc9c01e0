from __future__ import annotations

import pytest
from flask import Flask

from alertdrill_telemetry import EnvReader, SettingsError, TelemetrySettings, init_app


def read(**variables: str) -> TelemetrySettings:
    return TelemetrySettings.from_env("web", EnvReader(variables))


def test_nothing_has_to_be_set() -> None:
    settings = read()
    assert settings.service == "web"
    assert settings.instance
    assert settings.max_body_bytes == 1024 * 1024
    assert not settings.faults_enabled


def test_every_variable_is_read() -> None:
    settings = read(
        INSTANCE="web-1",
        VERSION="1.2.3",
        LOG_LEVEL="DEBUG",
        MAX_BODY_BYTES="10",
        FAULTS_ENABLED="1",
        FAULTS_TOKEN="t" * 16,
        CONNECT_TIMEOUT="0.1",
        READ_TIMEOUT="3",
        TRUSTED_PROXIES="1",
        HOST="0.0.0.0",
        OPS_PORT="5050",
        STALL_SECONDS="60",
    )
    expected = TelemetrySettings(
        *("web", "web-1", "1.2.3", "DEBUG", 10, True, "t" * 16, 0.1, 3.0),
        trusted_proxies=1,
        host="0.0.0.0",
        ops_port=5050,
        stall_seconds=60.0,
    )
    assert settings == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_LEVEL", "LOUD"),
        ("MAX_BODY_BYTES", "0"),
        ("MAX_BODY_BYTES", "1MiB"),
        ("FAULTS_ENABLED", "perhaps"),
        ("CONNECT_TIMEOUT", "0"),
        ("READ_TIMEOUT", "nan"),
        ("TRUSTED_PROXIES", "all"),
        ("OPS_PORT", "65536"),
        ("STALL_SECONDS", "-1"),
    ],
)
def test_bad_setting_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is "):
        read(**{name: value})


def test_faults_need_a_long_token() -> None:
    for token in ("", "t" * 15):
        with pytest.raises(SettingsError, match="FAULTS_TOKEN"):
            read(FAULTS_ENABLED="1", FAULTS_TOKEN=token)


def test_environment_names_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    # One application may run as two services.
    monkeypatch.setenv("SERVICE", "market")
    telemetry = init_app(Flask("shop"), service="shop")
    assert telemetry.settings.service == "market"
