"""The lines stay JSON, whatever the application does to the configuration of logging."""

from __future__ import annotations

import logging
import logging.config
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from alertdrill_telemetry import TelemetrySettings, init_app

Lines = Callable[[], list[dict[str, Any]]]
SETTINGS = TelemetrySettings("shop", "shop-1", "1.2.3")
FORMAT = "text %(message)s"
CONFIGURATION: dict[str, Any] = {
    "version": 1,
    "formatters": {"text": {"format": FORMAT}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "text",
            "stream": "ext://sys.stdout",
        }
    },
    "loggers": {"alone": {"handlers": ["console"], "level": "INFO", "propagate": False}},
    "root": {"handlers": ["console"], "level": "CRITICAL"},
}


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore what dictConfig changes outside of the root logger."""
    monkeypatch.setattr(logging.config, "dictConfigClass", logging.config.dictConfigClass)
    yield
    for logger in logging.Logger.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.disabled = False
    logging.getLogger("alone").handlers.clear()
    logging.getLogger("alone").propagate = True


def shop() -> Flask:
    app = Flask("shop", static_folder=None)
    init_app(app, "shop", SETTINGS)
    app.add_url_rule("/fail", view_func=lambda: str(1 / 0))
    return app


def repairs(app: Flask) -> float:
    registry = app.extensions["telemetry"].metrics.registry
    return float(registry.get_sample_value("log_configuration_repairs_total"))


def messages(lines: list[dict[str, Any]]) -> list[str]:
    assert all(line["service"] == "shop" for line in lines)
    return [line["message"] for line in lines]


def write_one_line_each() -> None:
    for name in ("mine", "alone"):
        logging.getLogger(name).info(name)


@pytest.mark.parametrize("before", [True, False])
def test_dict_config_keeps_json(before: bool, lines: Lines) -> None:
    if before:
        logging.config.dictConfig(CONFIGURATION)
    app = shop()
    if not before:
        logging.config.dictConfig(CONFIGURATION)
    logging.getLogger("mine").disabled = False
    write_one_line_each()
    assert messages(lines()) == ["mine", "alone"]
    app.test_client().get("/fail")
    error, access = lines()
    assert error["exception"]["type"] == "builtins.ZeroDivisionError"
    assert access["status"] == 500
    assert repairs(app) == 0


def test_basic_config_keeps_json(lines: Lines) -> None:
    logging.basicConfig(stream=sys.stdout, format=FORMAT, level="INFO")
    shop()
    logging.basicConfig(stream=sys.stdout, format=FORMAT)  # without force it changes nothing
    logging.getLogger("mine").info("m")
    assert messages(lines()) == ["m"]


def test_removed_handler_is_put_back_with_a_warning(lines: Lines) -> None:
    app = shop()
    logging.basicConfig(stream=sys.stdout, format=FORMAT, level="CRITICAL", force=True)
    app.test_client().get("/nowhere")
    warning, access = lines()
    assert warning["level"] == "WARNING"
    assert "Configure logging before init_app" in warning["message"]
    assert access["status"] == 404
    assert repairs(app) == 1
    logging.getLogger("mine").info("m")
    assert messages(lines()) == ["m"]


@pytest.mark.parametrize("propagate", [True, False])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_later_text_handler_of_a_logger_is_replaced_with_a_warning(
    propagate: bool, stream: str, lines: Lines
) -> None:
    app = shop()
    logger = logging.getLogger("alone")
    logger.propagate = propagate
    logger.addHandler(logging.StreamHandler(getattr(sys, stream)))
    app.test_client().get("/nowhere")
    warning, access = lines()
    assert (warning["level"], access["status"]) == ("WARNING", 404)
    assert "alone" in warning["message"]
    assert repairs(app) == 1
    logger.warning("m")
    assert messages(lines()) == ["m"]


def test_lower_level_of_the_application_is_put_back(lines: Lines) -> None:
    app = shop()
    logging.getLogger().setLevel("CRITICAL")
    app.test_client().get("/nowhere")
    assert repairs(app) == 1
    logging.getLogger("mine").info("m")
    assert "m" in messages(lines())


def test_handlers_for_files_stay(tmp_path: Path) -> None:
    handler = logging.FileHandler(tmp_path / "own.log")
    logging.getLogger().addHandler(handler)
    shop()
    logging.getLogger("mine").info("kept")
    logging.getLogger().removeHandler(handler)
    handler.close()
    assert (tmp_path / "own.log").read_text() == "kept\n"


def test_default_handler_of_flask_writes_no_second_line(lines: Lines) -> None:
    logging.getLogger().handlers.clear()
    app = Flask("early", static_folder=None)
    app.logger.warning("before init_app, on stderr")  # Flask adds its handler here
    init_app(app, "shop", SETTINGS)
    app.logger.warning("once")
    assert messages(lines()) == ["once"]
