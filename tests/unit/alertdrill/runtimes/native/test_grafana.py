from __future__ import annotations

from pathlib import Path

from alertdrill.runtimes.native.grafana import GRAFANA, settings
from alertdrill.runtimes.native.process_spec import RenderContext


def test_home_is_the_overview(render_context: RenderContext) -> None:
    variables = settings(render_context)
    home = Path(variables["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert home.name == "overview.json"
    assert home.is_file()
    assert home.parent == Path(variables["DASHBOARDS_DIR"])


def test_provisioning_has_every_address(render_context: RenderContext) -> None:
    variables = settings(render_context)
    for name, part in (("PROMETHEUS", "prometheus"), ("LOKI", "loki"), ("ALERTMANAGER",) * 2):
        assert variables[f"{name}_URL"] == render_context.url(part.lower())


def test_anonymous_access_is_disabled() -> None:
    assert GRAFANA["GF_AUTH_ANONYMOUS_ENABLED"] == GRAFANA["GF_USERS_ALLOW_SIGN_UP"] == "false"


def test_plugin_installation_is_disabled() -> None:
    assert GRAFANA["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    assert GRAFANA["GF_PLUGINS_PLUGIN_ADMIN_ENABLED"] == "false"
