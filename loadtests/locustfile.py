"""Load for the stack: `python -m locust -f loadtests/locustfile.py --headless --host URL`."""

from __future__ import annotations

import os
import sys

from locust import events

from loadtests import exposition, profiles, runner, users

try:
    Shape = profiles.selected_shape(os.environ)
except profiles.ShapeError as error:
    sys.exit(f"locust: {error}")

NormalClient, HeavyClient, SlowClient, ErrorClient = users.set_weights(Shape.profile.mix)
RequestClient = users.set_requests(Shape.profile.requests)

events.init_command_line_parser.add_listener(profiles.set_defaults)
# Before the listeners for the end of the runner.
events.init.add_listener(runner.wait_for_workers)
events.init.add_listener(runner.stop_on_sigterm)
events.init.add_listener(users.normalize_host)
events.init.add_listener(exposition.serve)
events.init.add_listener(runner.reset_stats)
events.init.add_listener(runner.silence_worker)
