"""Inject errors into every instance of a service, natively and in containers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests

from tests.e2e.stack import Stack

# Runs in a container of the service: it reaches its own /faults, and has the token.
REQUEST = """
import os, sys, urllib.request
token = open(os.environ["FAULTS_TOKEN_FILE"]).read().strip()
request = urllib.request.Request(
    f"http://127.0.0.1:{os.environ['OPS_PORT']}/faults/errors",
    sys.argv[2].encode() or None,
    {"Authorization": "Bearer " + token, "Content-Type": "application/json"},
    method=sys.argv[1],
)
urllib.request.urlopen(request, timeout=10).read()
"""


@contextmanager
def failing(stack: Stack, service: str, probability: float) -> Iterator[None]:
    """Make a service raise in a share of its requests while the block lasts."""
    instances = [
        instance
        for instance in stack.instances().values()
        if instance["service"] == service and instance["pid"]
    ]
    for instance in instances:
        _send(stack, instance, "PUT", f'{{"probability": {probability}}}')
    try:
        yield
    finally:
        for instance in instances:
            _send(stack, instance, "DELETE", "")


def _send(stack: Stack, instance: dict[str, str], method: str, body: str) -> None:
    if stack.runtime == "compose":
        stack.run_in_container(instance["name"], REQUEST, method, body)
        return
    token = (stack.home / "native" / "faults.token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    url = f"http://{instance['ops_address']}/faults/errors"
    requests.request(method, url, data=body, headers=headers, timeout=10).raise_for_status()
