"""Grafana's settings, as its environment variables GF_<section>_<name>."""

from __future__ import annotations

from ...config import ROOT
from .process_spec import LOOPBACK, RenderContext

DASHBOARDS = ROOT / "grafana" / "dashboards"
# Grafana requires a password, contacts no other host, and installs no plugins.
GRAFANA = {
    "GF_USERS_ALLOW_SIGN_UP": "false",
    "GF_USERS_ALLOW_ORG_CREATE": "false",
    "GF_AUTH_ANONYMOUS_ENABLED": "false",
    "GF_ANALYTICS_REPORTING_ENABLED": "false",
    "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
    "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    "GF_ANALYTICS_FEEDBACK_LINKS_ENABLED": "false",
    "GF_NEWS_NEWS_FEED_ENABLED": "false",
    "GF_PLUGINS_PREINSTALL_DISABLED": "true",
    "GF_PLUGINS_PLUGIN_ADMIN_ENABLED": "false",
    "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED": "true",
    "GF_SECURITY_DISABLE_GRAVATAR": "true",
    "GF_SNAPSHOTS_EXTERNAL_ENABLED": "false",
    "GF_LOG_MODE": "console",
    "GF_LOG_CONSOLE_FORMAT": "json",
}


def settings(context: RenderContext) -> dict[str, str]:
    """Return Grafana's variables, and those of its provisioning files."""
    data = context.layout.data / "grafana"
    return {
        **GRAFANA,
        "GF_SERVER_HTTP_ADDR": LOOPBACK,
        "GF_SERVER_HTTP_PORT": str(context.ports.grafana),
        "GF_PATHS_DATA": str(data),
        "GF_PATHS_LOGS": str(data / "logs"),
        "GF_PATHS_PLUGINS": str(data / "plugins"),
        "GF_PATHS_PROVISIONING": str(ROOT / "grafana" / "provisioning"),
        # Grafana reads the password from the file.
        "GF_SECURITY_ADMIN_PASSWORD": f"$__file{{{context.layout.grafana_password}}}",
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(DASHBOARDS / "overview.json"),
        "DASHBOARDS_DIR": str(DASHBOARDS),
        "PROMETHEUS_URL": context.url("prometheus"),
        "LOKI_URL": context.url("loki"),
        "ALERTMANAGER_URL": context.url("alertmanager"),
    }
