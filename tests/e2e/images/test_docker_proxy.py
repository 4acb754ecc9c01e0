"""The requests that the proxy in front of the engine allows, sent as raw HTTP."""

from __future__ import annotations

import http.client
import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from dotenv import dotenv_values

from alertdrill.config import ROOT
from alertdrill.config.derived import COMPOSE_ENV
from alertdrill.config.settings import StackSettings
from alertdrill.runtimes.compose.project import ComposeProject
from alertdrill.toolchain.cache import default_cache
from alertdrill.toolchain.find import resolve_programs
from alertdrill.toolchain.programs import PROGRAMS
from tests.e2e.images.conftest import Docker
from tests.e2e.stack import poll_until

pytestmark = pytest.mark.engine
READ = '{"label": ["com.docker.compose.project=%s"]}'
# Of a key that is a duplicate key, the engine takes the last.
DUPLICATE_KEY = '{"label":["com.docker.compose.project=PROJECT"],"label":[]}'


@dataclass
class Proxy:
    """A running proxy, and the project whose containers it allows."""

    port: int
    project: str

    def request(self, method: str, path: str, **headers: str) -> int:
        """Return the status of a response; the path is sent unchanged."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        body = headers.pop("body", None)
        connection.request(method, path.replace("PROJECT", self.project), body, headers)
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.fixture(scope="module")
def proxy(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    host = ComposeProject(StackSettings(Path())).engine_host
    if not host.startswith("unix://"):
        pytest.skip("the engine has no socket on this host")
    project = f"fd-{secrets.token_hex(3)}"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    haproxy = resolve_programs(PROGRAMS, default_cache(), lambda _: None).programs["haproxy"]
    environment = {
        **os.environ,
        **haproxy.environment,
        "PROJECT": project,
        "SERVICES": dotenv_values(ROOT / COMPOSE_ENV)["SERVICES"] or "",
        "EXTERNAL_NAMES": "|shop",
        "VERBS": "start|stop|restart",
        "PROXY_ADDRESS": f"127.0.0.1:{port}",
        "DOCKER_SOCKET": host.removeprefix("unix://"),
        "INSTANCE": "docker-proxy-1",
    }
    command = [str(haproxy.path), "-db", "-f", str(ROOT / "deploy/compose/docker-proxy.cfg")]
    log = (tmp_path_factory.mktemp("proxy") / "log").open("w")
    with log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process:
        proxy = Proxy(port, project)
        try:
            poll_until(lambda: _answers(proxy), "the proxy to answer", 10)
            yield proxy
        finally:
            process.terminate()


def _answers(proxy: Proxy) -> bool:
    try:
        return proxy.request("GET", "/_ping") == 200
    except OSError:
        return False


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_ping"),
        ("HEAD", "/_ping"),
        ("GET", "/v1.41/version"),
        ("GET", "/containers/json?all=1&filters=" + quote(READ % "PROJECT")),
    ],
)
def test_reading_is_allowed(proxy: Proxy, method: str, path: str) -> None:
    assert proxy.request(method, path) == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/containers/PROJECT-web-1/json"),
        ("POST", "/v1.41/containers/PROJECT-web-1/start"),
        ("POST", "/containers/PROJECT-data-service-2/stop?t=5"),
        ("POST", "/containers/PROJECT-web-1/restart"),
        ("POST", "/containers/PROJECT-shop-1/restart"),
    ],
)
def test_containers_of_the_project_can_be_controlled(proxy: Proxy, method: str, path: str) -> None:
    assert proxy.request(method, path) == 404  # from the engine: the project has none


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/containers/create"),
        ("POST", "/containers/PROJECT-web-1/exec"),
        ("POST", "/exec/abc/start"),
        ("POST", "/containers/PROJECT-web-1/kill"),
        ("POST", "/containers/PROJECT-web-1/pause"),
        ("POST", "/containers/PROJECT-web-1/update"),
        ("POST", "/containers/PROJECT-web-1/attach"),
        ("DELETE", "/containers/PROJECT-web-1"),
        ("PUT", "/containers/PROJECT-web-1/archive?path=/"),
        ("GET", "/containers/PROJECT-web-1/archive?path=/"),
        ("GET", "/containers/PROJECT-web-1/export"),
        ("GET", "/images/json"),
        ("POST", "/images/create?fromImage=x"),
        ("POST", "/build"),
        ("GET", "/volumes"),
        ("POST", "/volumes/create"),
        ("GET", "/networks"),
        ("GET", "/info"),
        ("GET", "/secrets"),
        ("POST", "/swarm/init"),
        ("GET", "/containers/other-web-1/json"),
        ("POST", "/containers/other-web-1/stop"),
        ("POST", "/containers/PROJECT-web-1-evil/stop"),
        ("GET", "/containers/json"),
        ("GET", "/containers/json?filters=%7B%7D"),
        ("GET", "/events"),
        ("GET", "/containers/json?filters=" + quote(DUPLICATE_KEY)),
        ("GET", "/containers/json?filters=" + quote(READ % "other")),
        ("GET", f"/containers/json?filters={quote(READ % 'PROJECT')}&%66ilters=%7B%7D"),
        ("POST", "/containers/PROJECT-web-1/start?checkpoint-dir=/etc"),
        ("POST", "/containers/PROJECT-ephemeral-web-1/stop"),
        ("GET", "/containers/PROJECT-web-1/../../images/json"),
        ("POST", "/containers/PROJECT-web-1%2f..%2f..%2fcontainers/create"),
        ("GET", "//containers/json"),
        ("GET", "/./images/json"),
        ("GET", "/v1.41/../images/json"),
        ("TRACE", "/_ping"),
        ("POST", "/_ping"),
    ],
)  # fmt: skip
def test_everything_else_is_refused(proxy: Proxy, method: str, path: str) -> None:
    assert proxy.request(method, path) == 403


def test_body_is_refused(proxy: Proxy) -> None:
    path = "/containers/PROJECT-web-1/start"
    assert proxy.request("POST", path, body='{"Binds": ["/:/host"]}') == 403


def test_raw_stream_is_refused(proxy: Proxy) -> None:
    upgrade = {"Upgrade": "tcp", "Connection": "Upgrade"}
    assert proxy.request("POST", "/containers/PROJECT-web-1/start", **upgrade) == 403
