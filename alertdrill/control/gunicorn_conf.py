"""gunicorn's settings: `gunicorn -c FILE "alertdrill.control.app:create_app()"`."""

from __future__ import annotations

import os

from alertdrill import VERSION
from alertdrill.control import logs
from alertdrill.log_format import LogOrigin

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8091')}"
# One process: the running requests and their idempotency keys are in its memory.
workers = 1
worker_class = "gthread"
# The responder acts on two services at most, may retry each action, and polls meanwhile;
# the health check needs a thread too.
threads = 8
# Let running requests end: a drain takes 15 s.
graceful_timeout = 20
control_socket_disable = True  # unused, and a needless way in
accesslog = None  # each action is logged with its outcome
logger_class = logs.LineLogger
logs.configure(
    LogOrigin("control", os.environ.get("INSTANCE", "control-1"), VERSION),
    os.environ.get("LOG_LEVEL", "INFO"),
)
