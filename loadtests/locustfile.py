"""Load for the stack: `python -m locust -f loadtests/locustfile.py --headless --host URL`."""

from __future__ import annotations

import os
import sys

from locust import events

from loadtests import shapes, users

try:
    Shape = shapes.chosen(os.environ)
except shapes.ShapeError as error:
    sys.exit(f"locust: {error}")

NormalClient = users.NormalClient

events.init_command_line_parser.add_listener(shapes.set_defaults)
events.init.add_listener(shapes.stop_on_sigterm)
events.init.add_listener(users.take_host)
