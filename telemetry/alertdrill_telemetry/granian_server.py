"""granian as the server: `python -m alertdrill_telemetry.granian_server`, the application in APP.

It reads the same variables as `gunicorn_conf`, and keeps the same guarantees.
"""

from __future__ import annotations

import ast
import gc
import importlib
import inspect
import logging
import multiprocessing
import os
import queue
import secrets
import signal
import socket
import sys
import threading
import time
from functools import partial
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces, Loops, RuntimeModes
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import mp

from . import drain, shared_counters
from .errors import SettingsError
from .granian_gateway import Gateway
from .server import BACKLOG, KEEP_ALIVE_S, Server

logger = logging.getLogger(__package__)

# The connections that a worker accepts; more wait in the backlog. A kept-alive connection counts
# although it takes no thread, so this is no limit of the work: THREADS is. It stays below the usual
# limit of 1,024 file descriptors, of which the operations take 64.
MAX_CONNECTIONS = 900
# A worker has all its threads from its start on, and keeps them: see `Gateway.warm_up`.
THREAD_LIFETIME_S = 10 * 365 * 86400
# How often a worker shows that it runs and looks whether its arbiter does, as under gunicorn.
HEARTBEAT_INTERVAL_S = 1.0
# The exit code of a worker whose application can't be loaded; its successor would fail as well.
NOT_LOADED = 3


class GranianServer(mp.MPServer):  # type: ignore[misc]
    """The arbiter of an instance: it forks the workers, replaces them and drains the instance."""

    def __init__(self, server: Server) -> None:
        if len(server.addresses) > 1:
            raise SettingsError(
                f"HOST is {server.telemetry.host!r}, which has {len(server.addresses)} addresses:"
                " granian listens at one. Set HOST to one address, or use gunicorn."
            )
        super().__init__(
            server.app,
            server.addresses[0],
            server.port,
            interface=Interfaces.WSGI,
            workers=server.workers,
            blocking_threads=server.threads,
            blocking_threads_idle_timeout=THREAD_LIFETIME_S,
            runtime_mode=RuntimeModes.mt,  # what granian chooses for WSGI
            loop=Loops.asyncio,  # unused under WSGI
            http=HTTPModes.http1,
            websockets=False,
            backlog=BACKLOG,
            backpressure=MAX_CONNECTIONS,
            # It counts from the end of the request before, so it ends idle connections as well.
            http1_settings=HTTP1Settings(header_read_timeout=KEEP_ALIVE_S * 1000),
            # No handlers: the lines go to the root logger, which writes JSON.
            log_dictconfig={"formatters": {}, "handlers": {}, "loggers": {}},
            log_level=LogLevels(server.telemetry.log_level.lower()),
            workers_kill_timeout=server.graceful_timeout,
        )
        self._server = server
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()
        # When each worker last showed that it runs; 0 while it loads the application.
        self._heartbeats = shared_counters.shared_counters()
        self._token = secrets.token_hex()  # of the requests that warm a worker up

    def run(self) -> None:
        """Serve until a signal ends the instance. Raises `SystemExit` if the start fails."""
        # The workers inherit the shared counters and the listening sockets.
        multiprocessing.set_start_method("fork")
        signal.signal(signal.SIGQUIT, self.signal_handler_interrupt)
        self._server.start(self._server.threads)
        # granian's own gives the environment of the process, with its secrets, to each request.
        mp._wsgi_call_wrap = lambda gateway, *_: gateway
        try:
            # Not `serve`, which prepares for options that are not used here.
            self._serve(self._spawn_wsgi_worker, self._load)
        finally:
            self._server.stopped()

    def _init_shared_socket(self) -> None:
        """Open one socket for all workers, so that no connection waits for a worker that died.

        granian gives each worker a socket of its own with the same port.
        """
        address = (self.bind_addr, self.bind_port)
        try:
            self._sso = socket.create_server(address, backlog=self.backlog)
        except OSError as error:
            raise SettingsError(
                f"PORT {self.bind_port} on {self.bind_addr} can't be used: {error.strerror}."
            ) from None
        self._shd = SocketHolder(self._sso.fileno(), False, self.backlog)  # type: ignore[call-arg]

    def signal_handler_interrupt(self, signum: int, *_: Any) -> None:
        """Remember the signal. A handler may interrupt any code, so it takes no lock."""
        self._signals.put(signum)

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> Any:
        self._heartbeats[idx] = 0
        # Exempt the arbiter's objects from garbage collection, which would copy their memory.
        gc.collect()
        gc.freeze()
        return super()._spawn_worker(idx, target, partial(callback_loader, idx))

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        """Replace workers that end, until a signal comes."""
        checked_at = time.monotonic()
        while self._signals.empty():
            self.main_loop_interrupt.wait(drain.POLL_INTERVAL_S)
            now = time.monotonic()
            # While the whole instance was stopped, no worker could show that it runs.
            stopped_for = max(now - checked_at - HEARTBEAT_INTERVAL_S, 0)
            self._kill_stalled(now, stopped_for)
            checked_at = now
            if self.reload_signal:
                replaced = list(self.wrks)
                self._reload(spawn_target, target_loader)
            else:
                replaced = [worker for worker in self.wrks if not worker.is_alive()]
                if any(worker.inner.exitcode == NOT_LOADED for worker in replaced):
                    self.shutdown(NOT_LOADED)
                workers = [worker.idx for worker in replaced]
                self._respawn_workers(workers, spawn_target, target_loader)
            for worker in replaced:
                self._server.worker_exited(worker.inner.pid)
            self.interrupt_children.clear()
            self.main_loop_interrupt.clear()

    def _kill_stalled(self, now: float, stopped_for: float) -> None:
        for worker in self.wrks:
            if self._heartbeats[worker.idx]:
                self._heartbeats[worker.idx] += stopped_for
            if 0 < self._heartbeats[worker.idx] < now - self._server.worker_timeout:
                logger.critical(
                    "Worker %s has not run for %.0f s: it is killed and replaced.",
                    worker.inner.pid,
                    now - self._heartbeats[worker.idx],
                )
                self._heartbeats[worker.idx] = 0
                worker.inner.kill()

    def shutdown(self, exit_code: int = 0) -> None:
        """Drain after SIGTERM, then stop the workers. SIGINT and SIGQUIT end the wait."""
        if not self._signals.empty() and self._signals.get() == signal.SIGTERM:
            drain.drain(self._signals, self._server.drain_seconds)
        super().shutdown(exit_code)

    def _load(self, worker: int) -> Gateway:
        """Return the gateway to the application, in a new worker process."""
        # Each ends the process at once; SIGTERM and SIGINT only until the application is loaded.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, lambda *_: os._exit(0))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            loaded = Gateway(load(self.target), self._server.threads, self._token)
            self._server.check_application()
        except BaseException:
            logger.exception("The application %s can't be loaded.", self.target)
            sys.exit(NOT_LOADED)
        threading.Thread(target=self._report_liveness, args=(worker, loaded), daemon=True).start()
        return loaded

    def _report_liveness(self, worker: int, loaded: Gateway) -> None:
        """Make the worker ready, then report that it runs; end it if its arbiter dies."""
        try:
            loaded.warm_up(self._sso.getsockname())
        except OSError as error:
            logger.warning("The threads of worker %s start when needed: %s", os.getpid(), error)
        self._server.worker_loaded()
        while os.getppid() == self.pid:
            self._heartbeats[worker] = time.monotonic()
            time.sleep(HEARTBEAT_INTERVAL_S)
        logger.critical("The arbiter %s has died: worker %s stops.", self.pid, os.getpid())
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(self._server.graceful_timeout)
        os._exit(1)


def load(target: str) -> Any:
    """Return the application MODULE:NAME or MODULE:FACTORY(), as gunicorn does.

    A factory may have literal arguments. Raises `SettingsError` for any other text.
    """
    module, _, expression = target.partition(":")
    try:
        name, arguments = _parse(expression)
    except (SyntaxError, ValueError):
        name, arguments = "", None
    if not (module and name):
        raise SettingsError(f"APP is {target!r}: it must be MODULE:NAME or MODULE:FACTORY().")
    application = getattr(importlib.import_module(module), name)
    if arguments is not None:
        return application(*arguments[0], **arguments[1])
    if inspect.isfunction(application) and len(inspect.signature(application).parameters) != 2:
        raise SettingsError(f"APP is {target!r}, which is a factory: write {target}().")
    return application


def _parse(expression: str) -> tuple[str, tuple[list[Any], dict[str, Any]] | None]:
    """Return a name and the arguments of its call, None if it is not called."""
    match ast.parse(expression, mode="eval").body:
        case ast.Name(id=name):
            return name, None
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            named = {str(item.arg): ast.literal_eval(item.value) for item in keywords}
            return name, ([ast.literal_eval(item) for item in args], named)
    return "", None


def main() -> None:
    """Serve the application of the environment until a signal; exit with 1 for a bad setting."""
    try:
        GranianServer(Server.from_env()).run()
    except SettingsError as error:
        logger.critical("%s", error)
        sys.exit(1)


if __name__ == "__main__":
    main()
