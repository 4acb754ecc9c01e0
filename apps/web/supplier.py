"""`GET /supplier`: a page that waits for a slow dependency, here a simulated one."""

from __future__ import annotations

import time

from flask import Blueprint
from flask.typing import ResponseReturnValue

# Below web's latency limit (0.5 s), so that only a request that waits for a thread is too slow.
SUPPLIER_S = 0.3


def blueprint() -> Blueprint:
    """Return the route. It takes a worker thread and hardly any processor time."""
    routes = Blueprint("supplier", __name__)

    @routes.get("/supplier")
    def supplier() -> ResponseReturnValue:
        time.sleep(SUPPLIER_S)
        return {"delivery_days": 3}

    return routes
