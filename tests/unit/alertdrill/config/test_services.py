import re
import subprocess
import sys
from pathlib import Path

import pytest

from alertdrill.config.service import AuditRequest
from alertdrill.config.services import SERVICES, ServicesError, read_services
from tests.unit.alertdrill.config.declarations import FACTS, LIMITS, OBJECTIVE, services_from


def test_committed_services_are_loaded() -> None:
    assert list(SERVICES)[:2] == ["web", "data-service"]
    assert (SERVICES["data-service"].package, SERVICES["data-service"].port) == (
        "data_service",
        5001,
    )
    assert SERVICES["data-service"].variable == "DATA_SERVICE"


def test_request_of_the_audit_keeps_its_types(tmp_path: Path) -> None:
    text = "a: {port: 5000, calls: [b], audit: {path: /x, body: [{mass: 1, bill: 0.5}]}}\n"
    parsed = services_from(tmp_path, text + "b: {port: 5001}")
    assert parsed["a"].calls == ["b"]
    assert parsed["a"].audit == AuditRequest(path="/x", body=[{"mass": 1, "bill": 0.5}])


def test_port_offset_follows_from_the_port(tmp_path: Path) -> None:
    parsed = services_from(tmp_path, "a: {port: 5000}\nb: {port: 5009}")
    assert (parsed["a"].offset, parsed["b"].offset) == (100, 1000)


def test_objective_limits_and_replicas_are_numbers(tmp_path: Path) -> None:
    parsed = services_from(tmp_path, "a: {port: 5000, replicas: {min: 1, max: 8}}")["a"]
    assert (parsed.objective.availability, parsed.objective.latency) == (0.99, 0.5)
    assert (parsed.limits.memory, parsed.limits.series) == (268435456, 1000)
    assert (parsed.replicas.min, parsed.replicas.max) == (1, 8)


def test_limits_may_have_cpus_processes_and_the_time_of_a_response(tmp_path: Path) -> None:
    parsed = services_from(tmp_path, "a: {port: 5000}")["a"].limits
    assert (parsed.cpu, parsed.pids, parsed.response) == (1.0, 64, 10.0)
    more = "pids: 48, response: 1500ms, headers: 2KiB, body: 16MiB, tunnel_timeout: 1h"
    text = LIMITS.replace("}", f", cpu: 1.5, {more}}}")
    (tmp_path / "apps/services.yml").write_text(f"a: {{port: 5000, {OBJECTIVE}, {text}}}")
    limits = read_services(tmp_path / "apps")["a"].limits
    assert (limits.cpu, limits.pids, limits.response) == (1.5, 48, 1.5)
    assert (limits.headers, limits.body, limits.tunnel_timeout) == (2048, 16 * 2**20, 3600)


def test_service_has_two_to_four_replicas_and_is_healed_by_default(tmp_path: Path) -> None:
    parsed = services_from(tmp_path, "a: {port: 5000}\nb: {port: 5001, heal: false}")
    assert (parsed["a"].replicas.min, parsed["a"].replicas.max) == (2, 4)
    assert (parsed["a"].heal, parsed["b"].heal) == (True, False)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (LIMITS, "objective is missing"),
        (OBJECTIVE, "limits is missing"),
        ("objective: {latency: 1s}", "availability is missing"),
        ("objective: {availability: 99, latency: 1s}", "availability is '99': it should be less"),
        ("objective: {availability: 0, latency: 1s}", "availability is '0': it should be greater"),
        ("objective: {availability: 99%, latency: 1s}", "availability must be a number"),
        ("objective: {availability: 0.9, latency: 0.5}", "latency is '0.5': use a duration such"),
        ("objective: {availability: 0.9, latency: 0s}", "latency is 0ms: use a bound of a bucket"),
        ("objective: {availability: 0.9, latency: 333ms}", "latency is 333ms: use a bound of a"),
        ("objective: {availability: 0.9999999, latency: 1s}", "availability is '0.9999999': it"),
        ("public: [/a/../b]", "item 1 of public is '/a/../b': use a path without . and .."),
        (f"public: [/{'a' * 200}]", "item 1 of public is '/aaa"),
        ("limits: {memory: 256, series: 1}", "memory is '256': use a size such as 256MiB"),
        ("limits: {memory: 256M, series: 1}", "memory is '256M': use a size such as 256MiB"),
        ("limits: {memory: 0MiB, series: 1}", "memory is '0MiB': use a size such as 256MiB"),
        ("limits: {memory: 1MiB, series: 0}", "series is '0': it should be greater than 0"),
        ("limits: {memory: 1MiB, series: 1.5}", "series must be a whole number"),
        ("replicas: {min: 0}", "min is '0': it should be greater than or equal to 1"),
        ("replicas: {max: 9}", "max is '9': it should be less than or equal to 8"),
        ("replicas: {min: 5}", "min is 5 and max is 4: make max at least min"),
        ("heal: 1", "heal must be true or false"),
        ("threads: 0", "threads is '0': it should be greater than or equal to 1"),
        ("threads: 257", "threads is '257': it should be less than or equal to 256"),
        ("threads: 33", "33 threads need limits with pids: 65"),
        ("threads: 8\n  server: gevent", "gevent has no threads: use connections"),
        ("connections: 100", "connections needs server: gevent; others have threads"),
        ("connections: 0", "connections is '0': it should be greater than or equal to 1"),
        ("networks: [edge]", "item 1 of networks is 'edge': use 'outside'"),
        ("sticky: 1", "sticky must be true or false"),
        ("image: orders", "image is 'orders': use an image with a tag or a digest"),
        ("app: x\n  image: a:1", "image already has the code: remove app"),
        ("server: granian\n  image: a:1", "image already has the code: remove server"),
        ("dockerfile: Dockerfile", "dockerfile needs path, the folder of the file"),
        ("limits: {memory: 1MiB, series: 1, cpu: 0}", "cpu is '0': it should be greater than 0"),
        ("limits: {memory: 1MiB, series: 1, cpu: 65}", "cpu is '65': it should be less than or"),
        ("limits: {memory: 1MiB, series: 1, pids: 15}", "pids is '15': it should be greater"),
        ("limits: {memory: 1MiB, series: 1, response: 5}", "response is '5': use a duration such"),
        (
            "limits: {memory: 1MiB, series: 1, response: 301s}",
            "response is '301s': it should be less",
        ),
        ("limits: {memory: 1MiB, series: 1, body: 1MB}", "body is '1MB': use a size such as 4KiB"),
        (
            "limits: {memory: 1MiB, series: 1, headers: 8KiB}",
            "headers is '8KiB': it should be less than or equal to 7168",
        ),
        (
            "limits: {memory: 1MiB, series: 1, tunnel_timeout: 60}",
            "tunnel_timeout is '60': use a duration such",
        ),
    ],
)
def test_invalid_objective_limit_or_replicas_are_refused(
    tmp_path: Path, line: str, message: str
) -> None:
    key = line.partition(":")[0]
    # Alone, a line of the other facts lacks one of them.
    others = [item for item in (OBJECTIVE, LIMITS) if not item.startswith(key)]
    lines = [line] if message.endswith("is missing") and line in FACTS else [line, *others]
    (tmp_path / "apps").mkdir()
    text = "".join(f"  {item}\n" for item in lines)
    (tmp_path / "apps/services.yml").write_text(f"a:\n{text}  port: 5000\n")
    with pytest.raises(ServicesError, match=rf"^apps/services.yml:2: {re.escape(message)}"):
        read_services(tmp_path / "apps")


def test_server_is_granian_unless_the_service_chooses_another(tmp_path: Path) -> None:
    parsed = services_from(tmp_path, "a: {port: 5000}\nb: {port: 5001, server: gunicorn}")
    assert (parsed["a"].server, parsed["b"].server) == ("granian", "gunicorn")


def test_public_and_internal_paths_are_read(tmp_path: Path) -> None:
    parsed = services_from(tmp_path, "a: {port: 5000, public: [/a, /a/b], internal: [/c]}")
    assert (parsed["a"].public, parsed["a"].internal) == (["/a", "/a/b"], ["/c"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "1: it must be a mapping, as in {name: value}"),
        ("a: 1", "1: a must be a mapping"),
        ("a: {}", "1: port is missing"),
        ("a: {port: 5000, ports: 1}", "1: ports is unknown: known keys are port, path, app, "),
        ("a: {port: 4999}", "1: port is '4999': it should be greater than or equal to 5000"),
        ("a: {port: 5010}", "1: port is '5010': it should be less than or equal to 5009"),
        ("a: {port: 05000}", "1: port must be a whole number"),
        ("Orders: {port: 5000}", "1: 'Orders' is not a valid service name"),
        ("a-1: {port: 5000}", "1: 'a-1' is not a valid service name"),
        ("a--b: {port: 5000}", "1: 'a--b' is not a valid service name"),
        ("lb: {port: 5000}", "1: lb is a component of the stack"),
        ("supervisord: {port: 5000}", "1: supervisord is a component of the stack"),
        ("web-large: {port: 5000}", "1: 'web-large' ends in -large, as some backends of the"),
        ("web-release: {port: 5000}", "1: 'web-release' ends in -release, as some containers do"),
        ("web-secrets: {port: 5000}", "1: 'web-secrets' ends in -secrets, as some containers do"),
        ("a: {port: 5000}\nb: {port: 5000}", "2: port 5000 already belongs to a"),
        ("a: {port: 5000, public: /a}", "1: public must be a list"),
        ("a: {port: 5000, public: ['']}", "1: item 1 of public is '': use a path such as /orders"),
        ("a: {port: 5000, public: [//]}", "1: item 1 of public is '//': use a path such as"),
        ("a: {port: 5000, public: [a]}", "1: item 1 of public is 'a': use a path"),
        ("a: {port: 5000, public: [/a/]}", "1: item 1 of public is '/a/': use a path"),
        ("a: {port: 5000, calls: [b]}", "1: calls has 'b', which is no service"),
        ("a: {port: 5000, audit: {}}", "1: path is missing"),
        (
            "a: {port: 5000,\n\n  server: uwsgi}",
            "3: server is 'uwsgi': use 'granian', 'gunicorn' or 'gevent'.",
        ),
        ("a: {port: 5000,\n\n  audit: {path: x}}", "3: path is 'x': use a path such as /orders"),
        (
            "a: {port: 5000, public: [/x]}\nb: {\n  port: 5001,\n  public: [/x]}",
            "4: public /x already belongs to a",
        ),
    ],
)
def test_invalid_service_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ServicesError) as error:
        services_from(tmp_path, text)
    assert str(error.value).startswith(f"apps/services.yml:{message}")


def test_service_without_its_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps/__init__.py").touch()
    with pytest.raises(
        ServicesError, match=r"yml:1: there is no apps/a_b/__init__.py: add one with"
    ):
        services_from(tmp_path, "a-b: {port: 5000}")


def test_paths_of_operations_belong_to_the_service(tmp_path: Path) -> None:
    parsed = services_from(tmp_path, "a: {port: 5000, public: [/metrics, /faults/x]}")
    assert parsed["a"].public == ["/metrics", "/faults/x"]


def test_path_may_be_public_and_internal(tmp_path: Path) -> None:
    parsed = services_from(
        tmp_path, "a: {port: 5000, public: [/x]}\nb: {port: 5001, internal: [/x]}"
    )
    assert len(parsed) == 2


def test_no_import_reads_the_services() -> None:
    code = (
        "import importlib, pkgutil, alertdrill\n"
        "from alertdrill.config import services\n"
        "def refuse(apps): raise RuntimeError('I/O at import')\n"
        "services.read_services = refuse\n"
        "for module in pkgutil.walk_packages(alertdrill.__path__, 'alertdrill.'):\n"
        "    if not module.name.endswith(('__main__', 'gunicorn_conf')):\n"
        "        importlib.import_module(module.name)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
