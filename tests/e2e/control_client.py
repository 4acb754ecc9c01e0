"""Call the control API as the responder does: over the loopback, or from its container."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import requests

from tests.e2e.stack import Stack

# Runs in the responder's container, whose environment has the API's address and token. One process
# sends all requests: the memory limit of the container has room for one more Python.
REQUESTS = """
import json, os, sys, urllib.error, urllib.request
from concurrent.futures import ThreadPoolExecutor
times, method, path, body, headers = json.loads(sys.argv[1])
token = open(os.environ["CONTROL_TOKEN_FILE"]).read().strip()
headers = {"Authorization": "Bearer " + token, **headers}
url, data = os.environ["CONTROL_URL"] + path, body.encode() if body else None

def send(_):
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    return [answer.status, json.load(answer)]

print(json.dumps(list(ThreadPoolExecutor(times).map(send, range(times)))))
"""


@dataclass(frozen=True)
class Response:
    """A response of the control API."""

    status: int
    body: dict[str, Any]


def call(stack: Stack, method: str, path: str, body: object = None, **headers: str) -> Response:
    """Send a request with the token and a new idempotency key; `headers` replace them."""
    (response,) = call_at_once(stack, 1, method, path, body, **headers)
    return response


def call_at_once(
    stack: Stack, times: int, method: str, path: str, body: object = None, **headers: str
) -> list[Response]:
    """Send the same request several times at once, as `call` does."""
    all_headers = {"Idempotency-Key": uuid.uuid4().hex, **headers}
    text = None if body is None else json.dumps(body)
    if stack.runtime == "compose":
        sent = json.dumps([times, method, path, text, all_headers])
        answers = json.loads(stack.run_in_container("responder-1", REQUESTS, sent))
        return [Response(*answer) for answer in answers]
    token = (stack.home / "native" / "control.token").read_text()
    all_headers = {"Authorization": f"Bearer {token}", **all_headers}
    url = stack.url("control", path)

    def send(_: int) -> Response:
        response = requests.request(method, url, data=text, headers=all_headers, timeout=60)
        return Response(response.status_code, response.json())

    with ThreadPoolExecutor() as pool:
        return list(pool.map(send, range(times)))
