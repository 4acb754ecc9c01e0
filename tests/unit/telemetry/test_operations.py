"""Operations on the listener of the application are answered before it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, Response, abort

from alertdrill_telemetry import TelemetryError, init_app
from tests.unit.telemetry.observed import SETTINGS, Shop


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_no_hook_or_setting_reaches_the_operations(shop: Shop, path: str) -> None:
    shop.app.config.update(TRUSTED_HOSTS=["shop.example"], APPLICATION_ROOT="/shop")
    shop.app.before_request(lambda: abort(401))

    @shop.app.after_request
    def redirect(response: Response) -> Response:
        response.status_code = 302
        return response

    inner = shop.app.wsgi_app

    def prefix(environ: Any, start_response: Any) -> Any:
        if not environ["PATH_INFO"].startswith("/shop"):
            start_response("404 Not Found", [])
            return []
        return inner(environ, start_response)

    shop.app.wsgi_app = prefix  # type: ignore[method-assign]
    assert shop.get(path).status == 200
    assert shop.get("/other").status == 404
    assert shop.total("404") == 1


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/faults"])
def test_prefix_of_a_client_does_not_reach_the_operations(shop: Shop, path: str) -> None:
    # What gunicorn makes of GET /x/metrics with `SCRIPT_NAME: /x`.
    assert shop.get(path, SCRIPT_NAME="/x").status == 404
    assert shop.total("404") == 1


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/faults", "/faults/cpu"])
@pytest.mark.parametrize("before", [True, False])
def test_view_at_an_operations_path_is_refused(path: str, before: bool) -> None:
    app = Flask("shop", static_folder=None)
    if not before:
        init_app(app, "shop", SETTINGS)

    def add() -> None:
        app.add_url_rule(path, view_func=lambda: "mine")
        init_app(app, "shop", SETTINGS)

    with pytest.raises(TelemetryError, match=f"view at {path}.*OPS_PORT"):
        add()


def test_similar_paths_belong_to_the_application(shop: Shop) -> None:
    paths = ("/metrics/x", "/healthzz", "/faultsx", "/x/metrics")
    for path in paths:
        shop.app.add_url_rule(path, path, view_func=lambda: "mine")
    assert {shop.get(path).body for path in paths} == {b"mine"}
