"""An application that configures logging in a request, with `basicConfig` and a dictionary."""

from __future__ import annotations

import logging
import logging.config
import sys

from flask import Flask
from flask.typing import ResponseReturnValue

from tests.foreign.apps.log_config_before import CASES, CONFIG, create_app
from tests.foreign.cases import Application, Instrument, get


def create(instrument: Instrument) -> Flask:
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="BASIC %(message)s")
    app = create_app("late")

    @app.get("/configure")
    def configure() -> ResponseReturnValue:
        logging.basicConfig(
            level="INFO", stream=sys.stdout, format="FORCED %(message)s", force=True
        )
        logging.getLogger("late").info("after basicConfig")
        logging.config.dictConfig(CONFIG)
        logging.getLogger("late").info("silenced: disable_existing_loggers")
        logging.getLogger("later").info("after dictConfig")
        return "configured"

    return instrument(app)


APPLICATION = Application(
    create,
    [get("configure", "/configure", logs=["after basicConfig", "after dictConfig"]), *CASES],
    keeps_state=True,
)
