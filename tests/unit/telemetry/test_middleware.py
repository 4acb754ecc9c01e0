"""What the client got is what is counted, whatever the application does."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from flask import Flask, Response, abort, g, request, stream_with_context
from werkzeug.test import EnvironBuilder

from alertdrill_telemetry import TelemetryError, init_app
from alertdrill_telemetry.context import current
from alertdrill_telemetry.drain import DrainState
from tests.unit.telemetry.observed import SETTINGS, TRACE, Shop, access
from tests.unit.telemetry.wsgi_server import serve

Lines = Callable[[], list[dict[str, Any]]]
log = logging.getLogger("shop")


def stream(parts: int, pause: float = 0.0, fails_at: int | None = None) -> Iterator[str]:
    for number in range(parts):
        if number == fails_at:
            raise ValueError("no more")
        log.info("part %d", number)
        time.sleep(pause)
        yield str(number)


def test_stream_is_timed_until_its_last_byte(shop: Shop, lines: Lines) -> None:
    shop.app.add_url_rule("/stream", view_func=lambda: Response(stream(3, pause=0.02)))
    assert shop.get("/stream").body == b"012"
    assert shop.duration("/stream") >= 0.06
    (line,) = access(lines())
    assert line["duration_ms"] >= 60
    assert "error" not in line


def test_stream_and_its_lines_have_the_ids(shop: Shop, lines: Lines) -> None:
    shop.app.add_url_rule("/stream", view_func=lambda: Response(stream(2)))
    shop.get("/stream")
    written = lines()
    assert {(line["trace_id"], line["request_id"]) for line in written} == {(TRACE, "mine-1")}
    assert [line["message"] for line in written] == ["part 0", "part 1", "GET /stream"]
    assert current() is None


def test_stream_is_in_flight_until_it_ends(shop: Shop) -> None:
    seen: list[float] = []

    def body() -> Iterator[str]:
        seen.append(shop.in_flight())
        yield "a"

    shop.app.add_url_rule("/stream", view_func=lambda: Response(body()))
    shop.get("/stream")
    assert seen == [1]
    assert shop.in_flight() == 0


def test_stream_that_breaks_off_is_an_error(shop: Shop, lines: Lines) -> None:
    shop.app.add_url_rule("/stream", view_func=lambda: Response(stream(3, fails_at=1)))
    answer = shop.get("/stream")
    assert (answer.status, answer.body, answer.complete) == (200, b"0", False)
    assert (shop.total("200"), shop.exceptions("200")) == (1, 1)
    (line,) = access(lines())
    assert (line["status"], line["level"]) == (200, "ERROR")
    assert line["error"] == "builtins.ValueError: no more"
    assert (line["trace_id"], line["request_id"]) == (TRACE, "mine-1")
    assert shop.in_flight() == 0


def test_stream_that_fails_before_its_first_byte_is_500(shop: Shop, lines: Lines) -> None:
    shop.app.add_url_rule("/stream", view_func=lambda: Response(stream(3, fails_at=0)))
    assert shop.get("/stream").status == 500
    assert (shop.total("500"), shop.total("200"), shop.exceptions("500")) == (1, 0, 1)
    (line,) = access(lines())
    assert (line["status"], line["level"]) == (500, "ERROR")
    assert shop.in_flight() == 0


def test_client_that_goes_away_is_no_error(shop: Shop, lines: Lines) -> None:
    shop.app.add_url_rule("/stream", view_func=lambda: Response(stream(3)))
    assert shop.get("/stream", parts=1).body == b"0"
    assert (shop.total("200"), shop.exceptions("200")) == (1, 0)
    (line,) = access(lines())
    assert (line["level"], line["error"]) == ("INFO", "client disconnected")
    assert shop.in_flight() == 0


@pytest.mark.parametrize("hook", ["teardown_request", "teardown_appcontext", "after_request"])
@pytest.mark.parametrize("before", [True, False])
def test_hook_that_raises_is_counted_once(hook: str, before: bool, lines: Lines) -> None:
    app = Flask("shop", static_folder=None)

    def fail(_: object) -> Any:
        raise RuntimeError("broken hook")

    shop = Shop(app) if not before else None
    getattr(app, hook)(fail)
    app.add_url_rule("/", view_func=lambda: "fine")
    shop = shop or Shop(app)
    for _ in range(3):
        assert shop.get("/").status == 500
    assert (shop.total("500"), shop.total("200"), shop.exceptions("500")) == (3, 0, 3)
    assert [line["status"] for line in access(lines())] == [500] * 3
    assert shop.in_flight() == 0
    assert current() is None


def test_error_handler_that_raises_is_counted_once(shop: Shop, lines: Lines) -> None:
    @shop.app.errorhandler(404)
    def fail(_: object) -> Any:
        raise RuntimeError("broken page")

    shop.app.add_url_rule("/", view_func=lambda: abort(404))
    assert shop.get("/").status == 500
    assert (shop.total("500"), shop.total("404"), shop.exceptions("500")) == (1, 0, 1)
    assert len(access(lines())) == 1
    assert shop.in_flight() == 0


def test_handled_exception_has_its_type_in_the_line(shop: Shop, lines: Lines) -> None:
    shop.app.add_url_rule("/", view_func=lambda: str(1 / 0))
    shop.get("/")
    (line,) = access(lines())
    assert line["error"] == "builtins.ZeroDivisionError: division by zero"


def test_exception_that_a_handler_turns_into_another_status_is_no_error(
    shop: Shop, lines: Lines
) -> None:
    shop.app.register_error_handler(500, lambda _: ("busy", 429))
    shop.app.add_url_rule("/", view_func=lambda: str(1 / 0))
    assert shop.get("/").status == 429
    assert (shop.total("429"), shop.exceptions("429")) == (1, 0)
    line = access(lines())[-1]
    assert (line["level"], line["error"]) == (
        "INFO",
        "builtins.ZeroDivisionError: division by zero",
    )


def test_line_has_the_time_at_which_the_last_part_was_sent(shop: Shop, lines: Lines) -> None:
    def view() -> Response:
        response = Response("fine")
        response.call_on_close(lambda: time.sleep(0.1))
        return response

    shop.app.add_url_rule("/", view_func=view)
    shop.get("/")
    closed = time.time()
    (line,) = access(lines())
    assert datetime.fromisoformat(line["timestamp"]).timestamp() < closed - 0.1
    assert line["duration_ms"] >= 100


def test_call_of_the_application_by_itself(shop: Shop, lines: Lines) -> None:
    def outer() -> str:
        time.sleep(0.02)
        inner = shop.app.test_client().get("/inner").text
        log.info("after")
        return f"{inner} {shop.in_flight():g}"

    shop.app.add_url_rule("/outer", view_func=outer)
    shop.app.add_url_rule("/inner", view_func=lambda: "inner")
    assert shop.get("/outer").body == b"inner 1"
    assert shop.durations("/inner") == shop.durations("/outer") == 1
    assert shop.duration("/outer") - shop.duration("/inner") >= 0.02
    inner, after, line = lines()
    assert after["span_id"] == line["span_id"] != inner["span_id"]
    assert inner["trace_id"] == line["trace_id"] == TRACE
    assert shop.in_flight() == 0


def test_applications_of_one_process_count_apart(lines: Lines) -> None:
    first, second = Shop(), Shop(Flask("other", static_folder=None))
    second.app.add_url_rule("/b", view_func=lambda: "b")
    first.app.add_url_rule("/a", view_func=lambda: serve(second.app, "/b").body)
    assert first.get("/a").body == b"b"
    assert (first.durations("/a"), first.durations("/b")) == (1, 0)
    assert (second.durations("/b"), second.durations("/a")) == (1, 0)
    assert first.in_flight() == second.in_flight() == 0


def test_async_view_has_the_context(shop: Shop, lines: Lines) -> None:
    async def view() -> str:
        await asyncio.sleep(0.01)
        log.info("async")
        return "async"

    shop.app.add_url_rule("/", view_func=view)
    assert shop.get("/").body == b"async"
    assert {line["trace_id"] for line in lines()} == {TRACE}
    assert shop.duration("/") >= 0.01


def test_threads_do_not_mix(shop: Shop, lines: Lines) -> None:
    barrier = threading.Barrier(4)

    def view(number: int) -> str:
        barrier.wait(10)
        context, in_flight = current(), shop.in_flight()
        barrier.wait(10)
        assert context is not None
        return f"{number} {context.request_id} {in_flight:g}"

    shop.app.add_url_rule("/<int:number>", view_func=view)
    answers: list[bytes] = []

    def ask(number: int) -> None:
        answers.append(shop.get(f"/{number}", headers={"X-Request-ID": f"id-{number}"}).body)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(answers) == [f"{number} id-{number} 4".encode() for number in range(4)]
    assert shop.in_flight() == 0


def test_server_that_never_closes_leaves_nothing_in_flight(shop: Shop) -> None:
    shop.app.add_url_rule("/", view_func=lambda: Response(stream(2)))
    environ = {"PATH_INFO": "/", "REQUEST_METHOD": "GET", "SERVER_SOFTWARE": "test"}
    environ |= {"wsgi.url_scheme": "http", "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    body = shop.app(environ, lambda *_: lambda _: None)
    next(iter(body))
    assert shop.in_flight() == 1
    del body
    assert shop.in_flight() == 0
    assert shop.total("200") == 1


def test_response_without_close_ends_without_a_scrape(shop: Shop) -> None:
    shop.app.add_url_rule("/", view_func=lambda: Response(stream(2)))
    environ = EnvironBuilder("/").get_environ() | {"SERVER_SOFTWARE": "test"}
    for _ in range(3):  # they are not closed
        shop.app(environ | {}, lambda *_: lambda _: None)
    assert DrainState().in_flight() == 3
    shop.get("/nowhere")
    assert DrainState().in_flight() == 0


def test_nothing_is_added_to_g(shop: Shop) -> None:
    shop.app.add_url_rule("/", view_func=lambda: ",".join(g))
    assert shop.get("/").body == b""


def test_hooks_added_before_still_work() -> None:
    app = Flask("shop", static_folder=None)
    called: list[str] = []
    app.before_request(lambda: called.append("before"))
    app.teardown_request(lambda _: called.append("teardown"))
    app.add_url_rule("/", view_func=lambda: "")
    Shop(app).get("/")
    assert called == ["before", "teardown"]


def test_custom_method_is_routed(shop: Shop, lines: Lines) -> None:
    shop.app.add_url_rule("/", view_func=lambda: request.method, methods=["PROPFIND"])
    assert shop.get("/", method="PROPFIND").body == b"PROPFIND"
    assert shop.total("200", method="_OTHER") == 1
    assert access(lines())[0]["method"] == "PROPFIND"


def test_errors_keep_their_pages(shop: Shop) -> None:
    answer = shop.get("/nowhere")
    assert answer.header("Content-Type") == ["text/html; charset=utf-8"]


def test_limit_of_the_application_holds() -> None:
    app = Flask("shop")
    app.config["MAX_CONTENT_LENGTH"] = 5
    assert Shop(app).app.config["MAX_CONTENT_LENGTH"] == 5


def test_own_request_id_of_the_application_stays(shop: Shop) -> None:
    shop.app.add_url_rule("/", view_func=lambda: ("", {"X-Request-ID": "theirs"}))
    assert shop.get("/").header("X-Request-ID") == ["theirs"]


def test_second_instrumentation_is_refused(shop: Shop) -> None:
    with pytest.raises(TelemetryError, match="already instrumented"):
        init_app(shop.app, "shop", SETTINGS)


def test_path_is_what_the_client_sent(shop: Shop, lines: Lines) -> None:
    shop.get("/caf%C3%A9%22%0A")
    assert access(lines())[0]["path"] == '/café"\n'


def test_response_that_streams_with_the_request_context(shop: Shop) -> None:
    def view() -> Response:
        def body() -> Iterator[str]:
            yield request.path

        return Response(stream_with_context(body()))

    shop.app.add_url_rule("/here", view_func=view)
    assert shop.get("/here").body == b"/here"
    assert shop.in_flight() == 0
    assert DrainState().in_flight() == 0


@pytest.mark.parametrize(("level", "lines_of"), [("WARNING", [500]), ("CRITICAL", [])])
def test_high_level_hides_access_lines(level: str, lines_of: list[int], lines: Lines) -> None:
    app = Flask("shop", static_folder=None)
    settings = replace(SETTINGS, log_level=level)
    telemetry = init_app(app, "shop", settings)
    app.add_url_rule("/fail", view_func=lambda: str(1 / 0))
    for path in ("/nowhere", "/fail"):
        serve(app, path)
    assert [line["status"] for line in access(lines())] == lines_of
    # Its absence tells the alert that no lines are missing.
    text = telemetry.exporter.generate_metrics()[0]
    assert "access_log_lines_total" not in text


def test_fields_of_the_line_are_those_that_arrive(shop: Shop, lines: Lines) -> None:
    inner = shop.app.wsgi_app

    def rewrite(environ: Any, start_response: Any) -> Any:
        environ |= {"REMOTE_ADDR": 'a","level":"CRITICAL', "REQUEST_METHOD": "PUT"}
        return inner(environ, start_response)

    shop.app.wsgi_app = rewrite  # type: ignore[method-assign]
    shop.app.add_url_rule("/", view_func=lambda: "fine", methods=["PUT"])
    shop.get("/")
    (line,) = access(lines())
    assert (line["client"], line["method"], line["level"]) == ("127.0.0.1", "GET", "INFO")
    assert shop.total("200", method="GET") == 1


def test_error_with_any_text_has_a_line(shop: Shop, lines: Lines) -> None:
    def body() -> Iterator[str]:
        yield "a"
        raise ValueError("\ud800")

    shop.app.add_url_rule("/", view_func=lambda: Response(body()))
    assert not shop.get("/").complete
    (line,) = access(lines())
    assert line["error"] == "builtins.ValueError: \\ud800"


def test_failure_to_record_does_not_reach_the_server(
    shop: Shop, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alertdrill_telemetry.recorder._json", lambda _: 1 / 0)
    shop.app.add_url_rule("/", view_func=lambda: "fine")
    assert shop.get("/").complete
    assert shop.in_flight() == 0
    assert "can't be recorded" in lines()[-1]["message"]


def test_call_of_a_subclass_is_called(lines: Lines) -> None:
    class Own(Flask):
        def __call__(self, environ: Any, start_response: Any) -> Any:
            environ["QUERY_STRING"] = "own"
            return super().__call__(environ, start_response)

    shop = Shop(Own("shop", static_folder=None))
    shop.app.add_url_rule("/", view_func=lambda: request.query_string)
    assert shop.get("/").body == b"own"
    assert len(access(lines())) == 1


def test_context_that_the_view_makes_is_not_the_request(shop: Shop, lines: Lines) -> None:
    def mail() -> str:
        with shop.app.test_request_context("/other"):
            return "sent"

    shop.app.add_url_rule("/mail", view_func=mail)
    shop.app.add_url_rule("/other", "other", view_func=mail)
    shop.get("/mail")
    (line,) = access(lines())
    assert line["route"] == "/mail"


def test_several_applications_of_a_process_write_lines(lines: Lines) -> None:
    first, second = Shop(), Shop()
    for shop in (first, second, first, second):
        shop.get("/nowhere")
        logging.getLogger("shop").info("m")
    assert [line["message"] for line in lines()] == ["GET /nowhere", "m"] * 4
    for shop in (first, second):
        assert shop.total("404") == 2
        assert shop.value("log_configuration_repairs_total") == 0
