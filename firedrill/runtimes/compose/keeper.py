"""Start again what was killed, as a supervisor does.

The engine's own restart policy brings back what crashes. What `docker kill` ends it takes for
stopped on purpose, and lets it lie. The engine's events tell the two apart: a stop says `stop`
(or `destroy`) beside `die`, a kill does not.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import docker
import docker.errors
import requests

from .said import say

# What is watched of the engine's events.
WATCHED = ("die", "stop", "start", "destroy")
# A stop says so within milliseconds of the death; a second is not long to wait to be sure.
GRACE = 1.0
# Between two tries to reach the proxy, or to start a container that could not be.
PAUSE = 2.0
STEP = 0.5
# How long ago a death may be that nobody watched: longer than the other keeper and its proxy take
# to come back, shorter than the engine's own memory of 256 events mostly is.
PAST = 30.0
# Says that the loop goes on, for the health check.
ALIVE = Path(os.environ.get("ALIVE", "/tmp/alive"))  # noqa: S108 - a container's own
KEPT = ("always", "unless-stopped")


class Deaths:
    """Who died without having been stopped. Pure: time is passed in, in seconds since 1970."""

    def __init__(self) -> None:
        self._died: dict[str, float] = {}
        self._stopped: set[str] = set()

    def observe(self, event: str, name: str, moment: float) -> None:
        """Take note of one of `WATCHED`; a stop may be told before or after the death."""
        if event == "die":
            self._died[name] = moment
        elif event in ("stop", "destroy"):
            self._stopped.add(name)
        elif event == "start":
            self._died.pop(name, None)
            self._stopped.discard(name)

    def due(self, now: float) -> list[str]:
        """Return who has been dead for so long that no stop will be told any more."""
        over = [name for name, moment in self._died.items() if now - moment >= GRACE]
        for name in over:
            if name in self._stopped:
                del self._died[name]
        return [name for name in over if name in self._died]

    def again(self, name: str, now: float) -> None:
        """Wait with a container that could not be started."""
        if name in self._died:
            self._died[name] = now + PAUSE - GRACE

    def forget(self, name: str) -> None:
        """Have done with a death."""
        self._died.pop(name, None)


class Keeper:
    """Watches one project by way of the engine's proxy."""

    def __init__(self, project: str, host: str) -> None:
        self._project = project
        self._host = host
        self._events: queue.Queue[Mapping[str, Any]] = queue.Queue()
        self._deaths = Deaths()

    def run(self) -> None:
        """Keep, until the process is ended."""
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            ALIVE.touch()
            self._take()
            for name in self._deaths.due(time.time()):
                self._start(name)

    def _listen(self) -> None:
        """Put every event into the queue, also those from while the proxy was away."""
        since = time.time() - PAST
        filters = {
            "label": [f"com.docker.compose.project={self._project}"],
            "event": list(WATCHED),
        }
        while True:
            try:
                client = docker.APIClient(base_url=self._host)
                for event in client.events(since=int(since), filters=filters, decode=True):
                    self._events.put(event)
                    since = float(event["time"])
            except (docker.errors.DockerException, requests.RequestException, OSError) as error:
                say("WARNING", f"The engine's proxy is away: {error}")
            time.sleep(PAUSE)

    def _take(self) -> None:
        try:
            event = self._events.get(timeout=STEP)
        except queue.Empty:
            return
        name = event["Actor"]["Attributes"]["name"]
        self._deaths.observe(event["Action"], name, event["timeNano"] / 1e9)

    def _start(self, name: str) -> None:
        try:
            client = docker.APIClient(base_url=self._host, timeout=10)
            found = client.inspect_container(name)
            kept = found["HostConfig"]["RestartPolicy"]["Name"] in KEPT
            if kept and found["State"]["Status"] == "exited":
                client.start(name)
                say("WARNING", f"{name} was killed: started it again.")
            self._deaths.forget(name)
        except docker.errors.NotFound:
            self._deaths.forget(name)
        except (docker.errors.DockerException, requests.RequestException, OSError) as error:
            say("ERROR", f"{name} can't be started: {error}")
            self._deaths.again(name, time.time())


def main() -> None:
    """Keep the project that PROJECT names, by way of DOCKER_HOST."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    project = os.environ.get("PROJECT", "firedrill")
    host = os.environ.get("DOCKER_HOST", "tcp://docker-proxy:2375")
    say("INFO", f"Keeping the containers of {project} ({socket.gethostname()}).")
    Keeper(project, host).run()


if __name__ == "__main__":
    main()
