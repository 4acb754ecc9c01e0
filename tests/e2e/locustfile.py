"""Clients of `/process` that hardly wait, for the test that counts their requests."""

import json

from locust import FastHttpUser, constant, task
from vega_datasets import data

ROWS = json.loads(data.cars.raw())[:20]


class Client(FastHttpUser):
    """Posts real rows, again as soon as the response is there."""

    wait_time = constant(0.1)

    @task
    def process(self) -> None:
        """Post twenty rows."""
        self.client.post("/process", json=ROWS)
