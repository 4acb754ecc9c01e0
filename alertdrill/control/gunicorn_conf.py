"""gunicorn's settings: `gunicorn -c FILE "alertdrill.control.app:serve()"`."""

from __future__ import annotations

import os

from alertdrill.control import logs
from alertdrill.control.settings import bind_addresses, instance_name

bind = bind_addresses(os.environ)
# One process: it has one reconcile loop.
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
logs.configure(instance_name(os.environ), os.environ.get("LOG_LEVEL", "INFO"))
