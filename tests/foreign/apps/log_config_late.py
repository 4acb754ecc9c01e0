"""An application that configures logging in a request, with `basicConfig` and a dictionary."""

from __future__ import annotations

import logging
import logging.config
import sys

from flask import Flask
from flask.typing import ResponseReturnValue

from tests.foreign.apps.log_config_before import CASES, CONFIG, create_app
from tests.foreign.cases import Application, Instrument, case, get


def create(instrument: Instrument) -> Flask:
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="BASIC %(message)s")
    app = create_app("late")

    @app.post("/basic-config")
    def basic_config() -> ResponseReturnValue:
        plain = "FORCED %(message)s"
        logging.basicConfig(level="INFO", stream=sys.stdout, format=plain, force=True)
        return "configured"

    @app.post("/dict-config")
    def dict_config() -> ResponseReturnValue:
        logging.config.dictConfig(CONFIG)
        return "configured"

    @app.get("/log/<message>")
    def log(message: str) -> ResponseReturnValue:
        logging.getLogger(f"late.{message}").info(message)
        return "logged"

    return instrument(app)


# What the views log before the end of the request that configures logging may be lost.
APPLICATION = Application(
    create,
    [
        get("before", "/log/before", logs=["before"]),
        case("basic-config", "POST", "/basic-config"),
        get("after-basic-config", "/log/second", logs=["second"]),
        case("dict-config", "POST", "/dict-config"),
        get("after-dict-config", "/log/third", logs=["third"]),
        *CASES,
    ],
    keeps_state=True,
)
