"""An application that declares its service in its own repository."""

from __future__ import annotations

import hashlib
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests

from tests.e2e.repository_copy import (
    RepositoryCopy,
    copy_repository,
    ending,
    stack_of_copy,
)
from tests.e2e.stack import TIMEOUT_S, poll_until
from tests.e2e.test_adopting_an_application import APPLICATION, NO_CODE

pytestmark = [pytest.mark.stack, pytest.mark.timeout(TIMEOUT_S)]
HOST = {"Host": "shop.localhost"}
LINE = 'init_app(app, service="shop")'
# What git ignores.
IGNORED = ("var", ".env", ".venv", "__pycache__", "secrets", ".mypy_cache", ".pytest_cache")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RepositoryCopy]:
    """A running stack, to which the application of another folder is added."""
    home, work = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work")
    shop = work / "shop"
    shutil.copytree(APPLICATION, shop, ignore=NO_CODE)
    code = shop / "blog/__init__.py"
    text = code.read_text().replace(
        "from flask", "from alertdrill_telemetry import init_app\nfrom flask", 1
    )
    created = "    app = Flask(__name__)\n"
    assert created in text
    code.write_text(text.replace(created, f"{created}    {LINE}\n"))
    (work / "alertdrill").mkdir()
    root = copy_repository(work / "alertdrill")
    copied = stack_of_copy(root, home)
    with ending(copied):
        copied.alertdrill("up")
        before = digests(root)
        here = shlex.quote(str(root))
        path = f"PYTHONPATH={here}:{here}/telemetry"
        options = '--app "blog:create_app()" --host shop.localhost'
        command = f"{path} {here}/.venv/bin/python -m alertdrill init shop {options}"
        printed = copied.run(f"cd ../shop && {command}").stdout
        assert LINE in printed
        [line] = [line.strip() for line in printed.splitlines() if "SERVICES_FILES=" in line]
        with (root / ".env").open("a") as file:
            file.write(f"\n{line}\n")
        declaration = shop / "alertdrill.yml"
        own = "  env: {BLOG_DATABASE: '{data}/blog.sqlite', BLOG_SECRET_KEY_FILE: '{key}'}\n"
        files = "  volumes: [data]\n  secrets: {key: generated}\n"
        more = "  release: flask --app blog init-db\n  sticky: true\n  networks: [outside]\n"
        declaration.write_text(declaration.read_text() + own + files + more)
        copied.alertdrill("up")
        assert digests(root) == before, "the repository has changed"
        yield copied


def digests(root: Path) -> Mapping[str, str]:
    """Return the digest of each file of the repository that git does not ignore."""
    return {
        str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in root.rglob("*")
        if file.is_file() and not set(file.relative_to(root).parts) & set(IGNORED)
    }


def test_it_answers_below_its_host(copy: RepositoryCopy) -> None:
    assert "<h1>Posts</h1>" in requests.get(copy.url("lb"), headers=HOST, timeout=15).text
    assert "<h1>Posts</h1>" not in requests.get(copy.url("lb"), timeout=5).text


def test_a_client_stays_with_its_instance(copy: RepositoryCopy) -> None:
    with requests.Session() as client:
        names = set()
        for _ in range(4):
            answer = client.get(copy.url("lb"), headers=HOST, timeout=15)
            names.add(answer.headers["X-Request-ID"])
        assert client.cookies.get("ALERTDRILL_SHOP") in ("shop-1", "shop-2")
    lines = [line for line in copy.access_lines("shop", status=200) if line["request_id"] in names]
    assert {line["instance"] for line in lines} == {client.cookies.get("ALERTDRILL_SHOP")}


def test_it_is_scraped_and_its_lines_are_collected(copy: RepositoryCopy) -> None:
    poll_until(lambda: copy.total('count(up{service="shop",job="services"} == 1)') == 2, "up", 30)
    assert requests.get(copy.url("lb"), headers=HOST, timeout=15).ok
    poll_until(lambda: copy.access_lines("shop", status=200), "its access lines", 30)


def test_its_objective_is_a_rule(copy: RepositoryCopy) -> None:
    rule = 'service:objective:ratio{service="shop"}'
    poll_until(lambda: copy.total(rule) == 0.99, rule, 40)


def test_it_is_scaled_and_healed(copy: RepositoryCopy) -> None:
    copy.alertdrill("scale", "shop=3")
    assert copy.instances()["shop-3"]["state"] == "ready"
    copy.alertdrill("scale", "shop=2")


def test_it_leaves_with_its_declaration(copy: RepositoryCopy) -> None:
    """It comes last: it removes the service, after a drill, which stops such a stack."""
    copy.alertdrill("drill", "run", "InstanceHung", "--service", "shop", "--current-stack")
    copy.alertdrill("up")
    env = copy.root / ".env"
    env.write_text(
        "".join(line for line in env.read_text().splitlines(True) if "SERVICES_FILES" not in line)
    )
    copy.alertdrill("up")
    assert "shop-1" not in copy.instances()
    assert requests.get(copy.url("lb"), timeout=5).ok
