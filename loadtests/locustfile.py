"""Load for the stack: `python -m locust -f loadtests/locustfile.py --headless --host URL`."""

from __future__ import annotations

import os
import sys

from locust import events

from loadtests import exposition, shapes, users, warmup, workers

try:
    Shape = shapes.chosen(os.environ)
except shapes.ShapeError as error:
    sys.exit(f"locust: {error}")

NormalClient, HeavyClient, SlowClient, CarelessClient = users.in_the_mix(Shape.plan.mix)

events.init_command_line_parser.add_listener(shapes.set_defaults)
# Before whoever takes hold of the runner's end.
events.init.add_listener(workers.hear_all)
events.init.add_listener(shapes.stop_on_sigterm)
events.init.add_listener(users.take_host)
events.init.add_listener(exposition.serve)
events.init.add_listener(warmup.forget)
events.init.add_listener(workers.stay_silent)
