"""Ask the control API as the responder does: over the loopback, or from its container."""

from __future__ import annotations

import json
import subprocess
import uuid
from dataclasses import dataclass
from typing import Any

import requests

from tests.e2e.stack import Stack

# What the responder's container is told: where the API is, and where its token.
FROM_INSIDE = """
import json, os, sys, urllib.error, urllib.request
method, path, body, headers = json.loads(sys.argv[1])
token = open(os.environ["CONTROL_TOKEN_FILE"]).read().strip()
headers = {"Authorization": "Bearer " + token, **headers}
url, data = os.environ["CONTROL_URL"] + path, body.encode() if body else None
request = urllib.request.Request(url, data, headers, method=method)
try:
    answer = urllib.request.urlopen(request, timeout=60)
except urllib.error.HTTPError as error:
    answer = error
print(json.dumps([answer.status, json.load(answer)]))
"""


@dataclass(frozen=True)
class Answer:
    """What the control API says."""

    status: int
    body: dict[str, Any]


def ask(stack: Stack, method: str, path: str, body: object = None, **headers: str) -> Answer:
    """Ask with the token, and a key of its own for each request, unless `headers` say otherwise."""
    sent = {"Idempotency-Key": uuid.uuid4().hex, **headers}
    text = None if body is None else json.dumps(body)
    if stack.runtime == "compose":
        return _from_inside(stack, json.dumps([method, path, text, sent]))
    token = (stack.home / "native" / "control.token").read_text()
    sent = {"Authorization": f"Bearer {token}", **sent}
    url = stack.url("control", path)
    answer = requests.request(method, url, data=text, headers=sent, timeout=60)
    return Answer(answer.status_code, answer.json())


def _from_inside(stack: Stack, request: str) -> Answer:
    container = f"{stack.environment['COMPOSE_PROJECT_NAME']}-responder-1"
    done = subprocess.run(
        ["docker", "exec", container, "python", "-c", FROM_INSIDE, request],
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    return Answer(*json.loads(done.stdout))
