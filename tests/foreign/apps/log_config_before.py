"""An application that configures logging before it is instrumented, with plain text on stdout."""

from __future__ import annotations

import logging
import logging.config
import warnings

from flask import Flask
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Instrument, get

CONFIG = {
    "version": 1,
    "disable_existing_loggers": True,
    "formatters": {"plain": {"format": "PLAIN %(levelname)s %(name)s %(message)s"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "plain",
        }
    },
    "root": {"level": "INFO", "handlers": ["console"]},
    "loggers": {
        "shop": {"level": "DEBUG", "handlers": ["console"], "propagate": False},
        "shop.quiet": {"level": "ERROR"},
    },
}


def create_app(name: str) -> Flask:
    """Return an application whose views log."""
    app = Flask(name)
    shop = logging.getLogger("shop")

    @app.get("/logs")
    def logs() -> ResponseReturnValue:
        shop.info("an order of %s", "ann")
        shop.debug("the cart has %d items", 3)
        logging.getLogger("shop.quiet").warning("not to be seen")
        logging.getLogger("other").info("another logger")
        app.logger.warning("the application's logger")
        return "logged"

    @app.get("/fails")
    def fails() -> ResponseReturnValue:
        raise ZeroDivisionError("a bug")

    @app.get("/warns")
    def warns() -> ResponseReturnValue:
        warnings.warn("an old function", DeprecationWarning, stacklevel=1)
        return "warned"

    return app


CASES = [
    get(
        "logs",
        "/logs",
        logs=["an order of ann", "another logger", "the application's logger"],
    ),
    get("fails", "/fails", status=500, logs=["Exception on /fails [GET]"]),
    get("warns", "/warns"),
    get("missing", "/x", status=404),
]


def create(instrument: Instrument) -> Flask:
    app = create_app("before")
    logging.config.dictConfig(CONFIG)
    return instrument(app)


APPLICATION = Application(create, CASES)
