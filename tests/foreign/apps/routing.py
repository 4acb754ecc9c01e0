"""Routes: a factory, nested blueprints, converters, slashes, custom methods, generated URLs."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Flask, g, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.routing import BaseConverter, ValidationError

from tests.foreign.cases import Application, Instrument, case, get, post_json


class DateConverter(BaseConverter):
    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValidationError from error

    def to_url(self, value: date) -> str:
        return value.isoformat()


# Names that a library could want for itself, on other paths.
health = Blueprint("health", __name__, url_prefix="/internal")
faults = Blueprint("faults", __name__, url_prefix="/geology/faults")
shop = Blueprint("shop", __name__, url_prefix="/shop")
orders = Blueprint("orders", __name__, url_prefix="/orders")


@health.get("/healthz")
def healthz() -> ResponseReturnValue:
    return "the application's own"


@health.get("/metrics")
def metrics() -> ResponseReturnValue:
    return {"metres": 3}


@faults.get("/<name>")
def fault(name: str) -> ResponseReturnValue:
    return {"fault": name}


@orders.url_value_preprocessor
def take_number(_endpoint: str | None, values: dict[str, int] | None) -> None:
    g.number = (values or {}).pop("number", 0)


@orders.before_request
def before() -> None:
    g.before = "orders"


@orders.get("/<int:number>")
def order() -> ResponseReturnValue:
    return {"number": g.number, "before": g.before}


@orders.app_errorhandler(410)
def gone(_error: Exception) -> ResponseReturnValue:
    return "gone, says the blueprint", 410


def create_app() -> Flask:
    app = Flask(__name__)
    app.config.from_mapping(APPLICATION_ROOT="/", PREFERRED_URL_SCHEME="https")
    app.url_map.converters["date"] = DateConverter
    shop.register_blueprint(orders)
    for blueprint in (health, faults, shop):
        app.register_blueprint(blueprint)
    app.register_blueprint(orders, url_prefix="/second/orders", name="second")
    _add_views(app)
    _add_methods(app)
    return app


def _add_views(app: Flask) -> None:
    @app.route("/")
    def home() -> ResponseReturnValue:
        return "<h1>home</h1>"

    # An endpoint with the name of ours.
    @app.route("/status", endpoint="prometheus_metrics")
    @app.route("/live", endpoint="readyz")
    def status() -> ResponseReturnValue:
        return str(request.endpoint)

    @app.route("/days/<date:day>")
    def day(day: date) -> ResponseReturnValue:
        return {"weekday": day.strftime("%A"), "self": url_for("day", day=day)}

    @app.route("/files/<path:name>")
    def file(name: str) -> ResponseReturnValue:
        return name

    @app.route("/<any(red, green):colour>/")
    def colour(colour: str) -> ResponseReturnValue:
        return colour

    @app.route("/old/<name>")
    def old(name: str) -> ResponseReturnValue:
        return redirect(url_for("file", name=name, _external=True), 301)

    @app.route("/strict", strict_slashes=False)
    def strict() -> ResponseReturnValue:
        return "both"

    @app.route("/links")
    def links() -> ResponseReturnValue:
        return {
            "external": url_for("shop.orders.order", number=7, _external=True),
            "scheme": url_for("home", _external=True, _scheme="ftp"),
            "relative": url_for("second.order", number=8, q="ü&"),
            "root": request.url_root,
            "url": request.url,
        }

    @app.route("/own-id")
    def own_id() -> ResponseReturnValue:
        return "with an id of its own", {"X-Request-ID": "own"}

    @app.route("/names")
    def names() -> ResponseReturnValue:
        """Show what an application can see of the libraries around it."""
        return jsonify(
            g=sorted(g),
            rules=sorted(f"{rule.rule} {rule.endpoint}" for rule in app.url_map.iter_rules()),
            blueprints=sorted(app.blueprints),
            config={name: repr(value) for name, value in sorted(app.config.items())},
            views=sorted(app.view_functions),
            processors=sorted(str(name) for name in app.template_context_processors),
        )


def _add_methods(app: Flask) -> None:
    @app.route("/dav/<path:name>", methods=["PROPFIND", "MKCOL", "COPY", "REPORT"])
    def dav(name: str) -> ResponseReturnValue:
        return f"<d:multistatus>{request.method} {name}</d:multistatus>", 207

    @app.route("/tea", methods=["BREW"])
    def tea() -> ResponseReturnValue:
        return f"{request.method}: short and stout", 418

    @app.route("/notes", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"])
    def notes() -> ResponseReturnValue:
        return {"method": request.method, "body": request.get_data(as_text=True)}

    @app.route("/silent", provide_automatic_options=False)
    def silent() -> ResponseReturnValue:
        return "no OPTIONS"


def create(instrument: Instrument) -> Flask:
    return instrument(create_app())


APPLICATION = Application(
    create,
    [
        get("home", "/"),
        get("no-request-id", "/", request_id=False),
        get(
            "request-id-of-bad-form",
            "/",
            request_id=False,
            headers=[("X-Request-ID", "a b<script>")],
        ),
        get("long-request-id", "/", request_id=False, headers=[("X-Request-ID", "x" * 1000)]),
        get("traceparent", "/", headers=[("traceparent", f"00-{'a' * 32}-{'b' * 16}-01")]),
        get("bad-traceparent", "/", headers=[("traceparent", "00-xyz")]),
        get("query", "/?a=1&a=2&%ff=%00"),
        get("endpoint-with-the-name-of-ours", "/status"),
        get("second-endpoint-with-the-name-of-ours", "/live"),
        get("health-of-a-blueprint", "/internal/healthz"),
        get("metrics-of-a-blueprint", "/internal/metrics"),
        get("blueprint-with-the-name-of-ours", "/geology/faults/san-andreas"),
        get("nested-blueprint", "/shop/orders/12"),
        get("nested-blueprint-404", "/shop/orders/twelve", status=404),
        get("blueprint-twice", "/second/orders/3"),
        get("converter", "/days/2026-11-29"),
        get("converter-refuses", "/days/2026-13-29", status=404),
        get("path-converter", "/files/a/b%2Fc/d%20e.txt"),
        get("unicode-path", "/files/%E4%BD%A0%E5%A5%BD"),
        get("invalid-utf-8-path", "/files/%ff%fe"),
        get("any-converter", "/red/"),
        get("trailing-slash", "/red", status=308),
        get("trailing-slash-with-query", "/green?x=%C3%BC", status=308),
        get("needless-slash", "/notes/", status=404),
        get("merged-slashes", "/files//a///b", status=308),
        get("slash-or-not", "/strict/"),
        get("redirect", "/old/a.txt", status=301),
        get("absolute-target", "http://localhost/files/x"),
        get("links", "/links"),
        get("links-of-another-host", "/links", headers=[("Host", "shop.example:8443")]),
        get("names", "/names"),
        get("own-request-id", "/own-id", own_request_id=True),
        get("not-found", "/missing", status=404),
        get("favicon", "/favicon.ico", status=404),
        case("head", "HEAD", "/"),
        case("head-not-found", "HEAD", "/missing", status=404),
        case("options", "OPTIONS", "/notes"),
        case("options-of-dav", "OPTIONS", "/dav/a"),
        case("options-not-automatic", "OPTIONS", "/silent", status=405),
        case("options-of-the-server", "OPTIONS", "*", status=404),
        case("propfind", "PROPFIND", "/dav/a/b", status=207, headers=[("Depth", "1")]),
        case("mkcol", "MKCOL", "/dav/new", status=207),
        case("copy", "COPY", "/dav/a", status=207, headers=[("Destination", "/dav/b")]),
        case("report", "REPORT", "/dav/a", b"<report/>", status=207),
        case("brew", "BREW", "/tea", status=418),
        case("custom-method-not-allowed", "BREW", "/notes", status=405),
        case("method-of-webdav-not-allowed", "PROPFIND", "/notes", status=405),
        case("method-that-telemetry-uses", "_OTHER", "/notes", status=405),
        case("lower-case-method", "get", "/", status=400, counted=[]),
        case("put", "PUT", "/notes", b"abc"),
        case("delete", "DELETE", "/notes"),
        case("trace", "TRACE", "/notes"),
        case("patch", "PATCH", "/notes", b"{}"),
        post_json("post", "/notes", '{"a": 1}'),
        post_json("post-not-allowed", "/", "{}", status=405),
        get("like-an-operation", "/healthzz", status=404),
        get("operation-in-capitals", "/METRICS", status=404),
        get("operation-below-a-prefix", "/x/metrics", status=404),
        get(
            "operation-with-a-clients-prefix",
            "/x/metrics",
            status=404,
            headers=[("SCRIPT_NAME", "/x")],
        ),
        get(
            "faults-with-a-clients-prefix", "/x/faults", status=404, headers=[("SCRIPT_NAME", "/x")]
        ),
        get("path-info-of-a-client", "/x", status=404, headers=[("PATH_INFO", "/metrics")]),
        get("operation-of-another-host", "http://other/x/healthz", status=404),
    ],
)
