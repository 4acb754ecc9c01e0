"""The control API, through which the responder heals this stack; and the settings it acts by."""

from __future__ import annotations

import os
import sys
from dataclasses import fields, replace
from pathlib import Path

from ... import VERSION, settings_json
from ...settings import StackSettings
from ...toolchain import default_cache
from .process import LOOPBACK, Process, RenderContext, url

CONFIGURATION = "alertdrill/control/gunicorn_conf.py"
# What only containers have: a change of it is no other native stack.
CONTAINER_SETTINGS = (
    "project",
    "versions",
    "replicas",
    "docker_root",
    "docker_socket",
    "grafana_password",
)


def process(context: RenderContext) -> Process:
    """Return the control API, which has no metrics: the responder counts what it asks for."""
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
            "alertdrill.control:create_app()",
        ],
        port=context.ports.control,
        ready=f"{url(context.ports.control)}/healthz",
        environment=environment,
        job=None,
    )


def stack(settings: StackSettings) -> str:
    """Return the settings by which the control API knows the stack, as text for its file."""
    defaults = StackSettings(home=Path())
    unused = {item.name: getattr(defaults, item.name) for item in fields(settings)}
    return settings_json.to_json(
        replace(
            settings,
            runtime="native",
            # It does not see whose cache folder it is.
            cache=settings.cache or default_cache(os.environ),
            **{name: unused[name] for name in CONTAINER_SETTINGS},
        )
    )
