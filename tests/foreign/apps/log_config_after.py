"""An application that configures logging after it is instrumented, which removes all handlers."""

from __future__ import annotations

import logging.config

from flask import Flask

from tests.foreign.apps.log_config_before import CASES, CONFIG, create_app
from tests.foreign.cases import Application, Instrument


def create(instrument: Instrument) -> Flask:
    app = instrument(create_app("after"))
    logging.config.dictConfig(CONFIG)
    return app


APPLICATION = Application(create, CASES)
