from __future__ import annotations

import pytest

from alertdrill_telemetry import EnvReader, SettingsError
from apps.web.settings import WebSettings


def read(**variables: str) -> WebSettings:
    return WebSettings.from_env(EnvReader(variables))


def test_nothing_has_to_be_set() -> None:
    assert read() == WebSettings("http://127.0.0.1:8081")


def test_every_variable_is_read() -> None:
    settings = read(
        DATA_SERVICE_URL="http://lb:81/",
        BREAKER_FAILURES="2",
        BREAKER_SECONDS="0.5",
        LINKS="Prometheus=http://127.0.0.1:9090/graph?a=b, Here=/x,",
    )
    links = {"Prometheus": "http://127.0.0.1:9090/graph?a=b", "Here": "/x"}
    assert settings == WebSettings("http://lb:81", 2, 0.5, links)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATA_SERVICE_URL", "lb:81"),
        ("BREAKER_FAILURES", "0"),
        ("BREAKER_SECONDS", "0"),
        ("LINKS", "http://127.0.0.1:9090"),
        ("LINKS", "Trap=javascript:alert(1)"),
    ],
)
def test_bad_setting_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} "):
        read(**{name: value})
