"""The contract of an instrumented service, check by check.

A check returns what it has found, or raises `ContractError` with a sentence about what to fix.
"""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

from ..config.service import PLACEHOLDER, Service
from ..errors import AlertdrillError
from ..logs.record import ACCESS_FIELDS, COMMON_FIELDS
from ..runtimes.base import last_error
from ..runtimes.native.plan import Process
from ..runtimes.native.service_command import environment
from .instance import CheckedInstance, Counts, InstanceError, free_port, parse_line, settled

# A label with the path of the request would add a series for each of them.
UNKNOWN_PATHS = 100
UNKNOWN_METHODS = ("PURGE", "BREW", "X-UNKNOWN")
# Requests that differ in one of these must not add series either.
CLIENT_HEADERS = ("User-Agent", "Referer", "X-Request-ID", "Authorization", "Cookie")
# How the load balancer takes an instance out: two failed checks, one every half a second.
CHECK_INTERVAL_S, FAILED_CHECKS = 0.5, 2
DRAIN_CLIENTS = 4
# Variables and settings that hold a secret by their name, and URLs with a password.
SECRET_NAME = re.compile(
    r"(SECRET|SECRET_KEY|PASSWORD|PASSWD|TOKEN|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS)$"
)
URL_PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]+@")
# Files of an application that may have a secret in them.
TEXT_SUFFIXES = (".py", ".cfg", ".conf", ".ini", ".toml", ".yml", ".yaml", ".json", ".env", ".txt")
# A secret of fewer characters can be guessed.
MIN_SECRET_LENGTH = 16
# Writes the application's settings as JSON; runs in the service's Python and environment.
CONFIG_SCRIPT = """
import importlib, json, pathlib, sys
module, _, name = sys.argv[1].partition(":")
application = eval(name or "app", vars(importlib.import_module(module)))
text = lambda value: value.decode("latin-1") if isinstance(value, bytes) else str(value)
config = getattr(application, "config", {}).items()
settings = {str(key): text(value) for key, value in config if value is not None}
pathlib.Path(sys.argv[2]).write_text(json.dumps(settings))
"""
PROBE_TIMEOUT_S = 60.0
MIB = 2**20


class ContractError(AlertdrillError):
    """The service does not keep the contract; the message says what to fix."""


@dataclass(frozen=True)
class CheckResult:
    """What a check has found; `passed` is false if it says what to fix."""

    name: str
    passed: bool
    detail: str


class ServiceCheck:
    """The checks of one service, with requests for `path`.

    `process` is an instance of the service as a native stack starts it, `folder` is for the logs.
    """

    def __init__(
        self, service: Service, process: Process, folder: Path, path: str, count: int
    ) -> None:
        self._service, self._process, self._folder = service, process, folder
        self._path, self._count = path, count

    def run(self) -> Iterator[CheckResult]:
        """Yield the result of each check."""
        yield _result("no default secret", self._no_default_secret)
        for workers in (1, 2):
            name = "one worker" if workers == 1 else f"{workers} workers"
            log = self._folder / f"{workers}.log"
            instance = CheckedInstance(self._process, workers, log, self._service.host)
            started = time.monotonic()
            try:
                with instance.running():
                    seconds = time.monotonic() - started
                    yield CheckResult(f"start, {name}", True, f"ready after {seconds:.1f} s")
                    yield from self._checks_of(instance, name)
            except InstanceError as error:
                yield CheckResult(f"start, {name}", False, str(error))

    def _checks_of(self, instance: CheckedInstance, name: str) -> Iterator[CheckResult]:
        if instance.workers == 1:
            yield _result("probes", lambda: probes(instance))
            yield _result("trace and request id", lambda: trace_is_continued(instance, self._path))
            yield _result("error pages", lambda: error_pages(instance))
        yield _result(
            f"exact counts, {name}", lambda: exact_counts(instance, self._path, self._count)
        )
        if instance.workers == 1:
            yield _result("bounded labels", lambda: bounded_labels(instance, self._path))
            yield _result("memory and series", lambda: within_limits(instance, self._service))
        yield _result(
            f"drain, {name}", lambda: drains(instance, self._path, self._service.stop_seconds)
        )
        yield _result(f"JSON lines, {name}", lambda: json_lines(instance))

    def _no_default_secret(self) -> str:
        declared = self._service.secrets
        for variable, value in self._service.env.items():
            of_secret = any(match[1] in declared for match in PLACEHOLDER.finditer(value))
            if (
                value
                and not of_secret
                and (SECRET_NAME.search(variable) or URL_PASSWORD.search(value))
            ):
                raise ContractError(
                    f"{variable} has its value in {self._service.file or 'apps/services.yml'}:"
                    f" declare it under secrets, and read the file that {variable}_FILE names."
                )
        settings = {name: text for name, text in self._settings().items() if _is_secret(name, text)}
        for name, text in settings.items():
            self._check_secret(name, text)
        return f"{', '.join(settings) or 'No setting'} is in no file of the code"

    def _check_secret(self, name: str, text: str) -> None:
        """Check a setting of the application that is a secret."""
        if text in self._process.environment.values():
            raise ContractError(
                f"{name} is the value of a variable, such as the path of a secret: read the file at"
                " that path."
            )
        if len(text) < MIN_SECRET_LENGTH:
            raise ContractError(
                f"{name} has {len(text)} characters: read at least {MIN_SECRET_LENGTH} random ones"
                " from a secret."
            )
        folder = self._service.folder
        for file in sorted(folder.rglob("*")):
            is_text = file.suffix in TEXT_SUFFIXES and file.is_file()
            if is_text and text in file.read_text("utf-8", "replace"):
                raise ContractError(f"{name} is in {file.relative_to(folder)}: use a secret.")

    def _settings(self) -> Mapping[str, str]:
        """Return the settings (`app.config`) of the application; empty for one without."""
        file = self._folder / "settings.json"
        done = subprocess.run(  # noqa: S603 - the service's own Python
            [
                *(self._process.command[0], "-c", CONFIG_SCRIPT),
                *(self._service.application, str(file)),
            ],
            cwd=self._process.directory,
            # Its operations have a port of their own, as in an instance.
            env={**environment(self._process), "OPS_PORT": str(free_port())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
        if not file.exists():
            reason = last_error(done.stdout.splitlines()) or "no output"
            raise ContractError(f"The application can't be loaded: {reason}")
        settings: Mapping[str, str] = json.loads(file.read_text())
        file.unlink()  # it has secrets
        return settings


def _is_secret(name: str, text: str) -> bool:
    return bool(text) and bool(SECRET_NAME.search(name)) and text not in ("True", "False")


def _result(name: str, check: Callable[[], str]) -> CheckResult:
    try:
        return CheckResult(name, True, check())
    except ContractError as error:
        return CheckResult(name, False, str(error))
    except (requests.RequestException, subprocess.TimeoutExpired) as error:
        return CheckResult(name, False, f"No answer: {error}")


def probes(instance: CheckedInstance) -> str:
    """Check that every operation answers on its own port, and none on the application's."""
    for path in ("/healthz", "/readyz", "/metrics"):
        if (status := instance.operation(path).status_code) != 200:
            raise ContractError(f"{path} answers {status} on OPS_PORT: it must be 200.")
    if "app_info{" in instance.request("/metrics").text:
        raise ContractError("/metrics answers on PORT too, where clients reach it.")
    return "/healthz, /readyz and /metrics answer on OPS_PORT only"


def trace_is_continued(instance: CheckedInstance, path: str) -> str:
    """Check that a request keeps its trace and its id, in its line and in its answer."""
    trace, request_id = secrets.token_hex(16), secrets.token_hex(8)
    headers = {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01", "X-Request-ID": request_id}
    answer = instance.request(path, **headers)
    if (echoed := answer.headers.get("X-Request-ID")) != request_id:
        raise ContractError(f"The answer has the X-Request-ID {echoed!r} in place of the client's.")

    def has_line() -> bool:
        lines = (line for line in instance.lines() if line.get("logger") == "access")
        return any(
            (item.get("trace_id"), item.get("request_id")) == (trace, request_id) for item in lines
        )

    if not settled(has_line):
        raise ContractError("No access line has the trace and the request id of a request.")
    return "the answer and the access line have those of the client"


def error_pages(instance: CheckedInstance) -> str:
    """Check that an unknown path is no error of the server; say what its answer is."""
    answer = instance.request(f"/{secrets.token_hex(8)}")
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    if answer.status_code >= 500:
        raise ContractError(f"An unknown path is answered with {answer.status_code}: use 404.")
    if kind == "application/problem+json":
        document = parse_line(answer.text) or {}
        if document.get("status") != answer.status_code:
            raise ContractError("A problem document does not have the status of its answer.")
        return f"{answer.status_code} as problem documents (RFC 9457)"
    return f"{answer.status_code} as {kind or 'no document'} of the application"


def exact_counts(instance: CheckedInstance, path: str, count: int) -> str:
    """Check that each of a number of requests is counted once and has one access line."""
    before, lines = instance.counts(), _access_lines(instance)
    statuses = Counter(str(instance.request(path).status_code) for _ in range(count))
    sent: Counts = Counter({("GET", status): number for status, number in statuses.items()})
    if not settled(lambda: instance.counts() - before == sent):
        counted = instance.counts() - before
        raise ContractError(
            f"{_described(sent)} were answered, and the metrics counted {_described(counted)}."
        )
    if not settled(lambda: _access_lines(instance) - lines == count):
        written = _access_lines(instance) - lines
        raise ContractError(f"{count} requests have {written} access lines.")
    if refused := {status: number for status, number in statuses.items() if status >= "400"}:
        [status, *_] = refused
        raise ContractError(
            f"{sum(refused.values())} of {count} requests for {path} were answered with {status}:"
            " use --path with a path that succeeds."
        )
    return f"{_described(sent)}: as many in the metrics and in the lines"


def _access_lines(instance: CheckedInstance) -> int:
    return sum(line.get("logger") == "access" for line in instance.lines())


def _described(counts: Mapping[tuple[str, str], int]) -> str:
    texts = [
        f"{count} {method} with {status}" for (method, status), count in sorted(counts.items())
    ]
    return ", ".join(texts) or "no request"


def bounded_labels(instance: CheckedInstance, path: str) -> str:
    """Check that different paths, methods, queries and headers add few series."""
    before = instance.series()
    beside, below = path.rpartition("/")[0], path.rstrip("/")
    for _ in range(UNKNOWN_PATHS):
        text = secrets.token_hex(8)
        for changed in (f"/{text}", f"{beside}/{text}", f"{below}/{text}", f"{path}?{text}={text}"):
            instance.request(changed)
        instance.request(path, **dict.fromkeys(CLIENT_HEADERS, text))
    for method in UNKNOWN_METHODS:
        instance.request("/", method)
    added = instance.series() - before
    if added >= UNKNOWN_PATHS:
        raise ContractError(
            f"{UNKNOWN_PATHS} different paths, queries and headers added {added} series: a label of"
            " a metric has unbounded values, such as a path or a user."
        )
    return f"{UNKNOWN_PATHS} different paths, queries and headers added {added} series"


def within_limits(instance: CheckedInstance, service: Service) -> str:
    """Check the memory and the series against the limits of the entry."""
    memory, series = instance.memory(), instance.series()
    if memory > service.limits.memory:
        raise ContractError(
            f"It uses {memory / MIB:.0f} MiB, and limits has {service.limits.memory // MIB}MiB."
        )
    if series > service.limits.series:
        raise ContractError(f"It exposes {series} series, and limits has {service.limits.series}.")
    return (
        f"{memory / MIB:.0f} of {service.limits.memory // MIB} MiB,"
        f" {series} of {service.limits.series} series"
    )


def drains(instance: CheckedInstance, path: str, stop_seconds: float) -> str:
    """Check that a stop loses no request, with clients that leave as the load balancer does."""
    leaving, failures, answered = threading.Event(), list[str](), list[int]()

    def send() -> None:
        while not leaving.is_set():
            try:
                answered.append(instance.request_once(path).status_code)
            except requests.RequestException as error:
                failures.append(str(error))

    clients = [threading.Thread(target=send) for _ in range(DRAIN_CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(CHECK_INTERVAL_S)
    started = time.monotonic()
    instance.request_stop()
    failed = 0
    while failed < FAILED_CHECKS and time.monotonic() - started < stop_seconds:
        time.sleep(CHECK_INTERVAL_S)
        try:
            failed = 0 if instance.operation("/readyz").ok else failed + 1
        except requests.RequestException:
            failed += 1
    leaving.set()
    for client in clients:
        client.join()
    code = _exit_code_after_scrapes(instance, started + stop_seconds)
    seconds = time.monotonic() - started
    if failures:
        raise ContractError(
            f"{len(failures)} requests were lost during a stop: {failures[0][:200]}"
        )
    if refused := [status for status in answered if status >= 400]:
        raise ContractError(
            f"{len(refused)} of {len(answered)} requests during a stop were answered with"
            f" {refused[0]}: answer until the load balancer has noticed."
        )
    if code is None:
        raise ContractError(f"It did not end within {stop_seconds:g} s after SIGTERM.")
    if code != 0:
        raise ContractError(f"It ended with exit code {code} after SIGTERM: it must be 0.")
    return f"{len(answered)} requests during a stop of {seconds:.1f} s, none lost"


def _exit_code_after_scrapes(instance: CheckedInstance, deadline: float) -> int | None:
    """Scrape as Prometheus does, which lets it end; return its exit code."""
    while (code := instance.wait(CHECK_INTERVAL_S)) is None and time.monotonic() < deadline:
        try:
            instance.operation("/metrics")
        except requests.RequestException:
            continue
    return code


def json_lines(instance: CheckedInstance) -> str:
    """Check that each line of the output is JSON with the fields of the contract."""
    texts = instance.output()
    for text in filter(str.strip, texts):
        line = parse_line(text)
        if line is None:
            raise ContractError(f"{text[:120]!r} is no JSON: use logging in place of print.")
        needed = (*COMMON_FIELDS, *(ACCESS_FIELDS if line.get("logger") == "access" else ()))
        if missing := [name for name in needed if name not in line]:
            raise ContractError(f"A line of {line.get('logger')} has no {', '.join(missing)}.")
    return f"{len(texts)} lines with all fields"
