"""The control API's process, and the stack settings that it reads."""

from __future__ import annotations

import os
import sys
from dataclasses import fields, replace
from pathlib import Path

from ... import VERSION
from ...config.settings import StackSettings
from ...toolchain.cache import default_cache
from .process_spec import LOOPBACK, Process, RenderContext, url

CONFIGURATION = "alertdrill/control/gunicorn_conf.py"
# Settings of containers only: a change of them does not change a native stack.
CONTAINER_SETTINGS = (
    "project",
    "versions",
    "replicas",
    "docker_root",
    "docker_socket",
    "grafana_password",
)


def process(context: RenderContext) -> Process:
    """Return the control API's process; it has no metrics, since the responder counts its calls."""
    environment = {
        "INSTANCE": "control-1",
        "VERSION": VERSION,
        "HOST": LOOPBACK,
        "PORT": str(context.ports.control),
        "LOG_LEVEL": context.settings.log_level,
        "CONTROL_TOKEN_FILE": str(context.layout.control_token),
        "CONTROL_STACK": str(context.layout.stack),
    }
    return Process(
        name="control-1",
        service="control",
        command=[
            sys.executable,
            "-m",
            "gunicorn",
            "-c",
            CONFIGURATION,
            "alertdrill.control.app:create_app()",
        ],
        port=context.ports.control,
        ready=f"{url(context.ports.control)}/healthz",
        environment=environment,
        job=None,
    )


def stack(settings: StackSettings) -> str:
    """Return the stack's settings as the text of the file that the control API reads."""
    defaults = StackSettings(home=Path())
    unused = {item.name: getattr(defaults, item.name) for item in fields(settings)}
    return replace(
        settings,
        runtime="native",
        # The control API has no home folder to derive the default from.
        cache=settings.cache or default_cache(os.environ),
        **{name: unused[name] for name in CONTAINER_SETTINGS},
    ).to_json()
