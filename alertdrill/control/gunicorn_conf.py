"""gunicorn's settings for the control API: `gunicorn -c FILE "alertdrill.control:create_app()"`."""

from __future__ import annotations

import os

from alertdrill import VERSION
from alertdrill.control import logs
from alertdrill.log_line import LogOrigin

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8091')}"
# One process: what is under way, and under which key, is in its memory.
workers = 1
worker_class = "gthread"
# The responder acts on two services at most, each may be asked for twice, and looks meanwhile;
# the health check must find a thread too.
threads = 8
# What is under way may end: a drain takes 15 s.
graceful_timeout = 20
control_socket_disable = True  # nobody uses it, and it would be one more way in
accesslog = None  # what was asked for is told with its outcome
logger_class = logs.LineLogger
logs.configure(
    LogOrigin("control", os.environ.get("INSTANCE", "control-1"), VERSION),
    os.environ.get("LOG_LEVEL", "INFO"),
)
