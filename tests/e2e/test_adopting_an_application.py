"""An application outside of the repository works as docs/how-to/adopt-an-application.md says."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e import doc_steps
from tests.e2e.repository_copy import (
    RepositoryCopy,
    copy_repository,
    ending,
    stack_of_copy,
)
from tests.e2e.stack import TIMEOUT_S, poll_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(TIMEOUT_S)]
PAGE = "docs/how-to/adopt-an-application.md"
APPLICATION = Path(__file__).parent.parent / "applications" / "blog"
NO_CODE = shutil.ignore_patterns("__pycache__", ".pytest_cache", "instance")
# At speed 12 InstanceHung fires after some 5 s; the rest is the restart, on a busy machine.
HEALED_S = 60


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RepositoryCopy]:
    """Follow the page from its first line to its last, and stop what it started."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work")
    shutil.copytree(APPLICATION, folder / "blog", ignore=NO_CODE)
    (folder / "alertdrill").mkdir()
    root = copy_repository(folder / "alertdrill")
    commands = doc_steps.follow((root / PAGE).read_text(), root)
    copied = stack_of_copy(root, home)
    with ending(copied):
        for command in commands:
            copied.run_page_command(command)
        copied.alertdrill("up")  # at another speed than 1, the end of a drill stops the stack
        yield copied


class Person:
    """A user of the blog with a browser."""

    def __init__(self, copy: RepositoryCopy) -> None:
        self._url, self._session = copy.url("lb"), requests.Session()

    def get(self, path: str) -> requests.Response:
        return self._session.get(self._url + path, headers=HOST, timeout=15)

    def send(self, path: str, **form: str) -> str:
        """Send a form and return the page to which it leads."""
        response = self._session.post(
            self._url + path, data=form, headers=HOST, timeout=15, allow_redirects=False
        )
        assert response.status_code == 302, response.text
        return self.get(response.headers["Location"]).text


HOST = {"Host": "blog.localhost"}


@pytest.fixture(scope="module")
def writer(copy: RepositoryCopy) -> Person:
    person = Person(copy)
    person.send("/auth/register", username="ada", password="a long password")
    person.send("/auth/login", username="ada", password="a long password")
    person.send("/create", title="First", body="Before the restart.")
    return person


def test_only_the_line_of_the_page_was_added(copy: RepositoryCopy) -> None:
    changed = differences(APPLICATION, copy.root.parent / "blog")
    assert changed == [
        "from alertdrill_telemetry import init_app",
        '    init_app(app, service="blog")',
    ]


def differences(before: Path, after: Path) -> Sequence[str]:
    """Return the lines of the files of a folder that another one lacks."""
    added: list[str] = []
    for file in before.rglob("*.py"):
        old = file.read_text().splitlines()
        new = (after / file.relative_to(before)).read_text().splitlines()
        added += [line for line in new if line not in old]
    return added


def test_page_is_answered_below_its_host(copy: RepositoryCopy) -> None:
    (page,) = (text for command, text in copy.outputs.items() if command.startswith("curl"))
    assert "<h1>Posts</h1>" in page
    assert "<h1>Posts</h1>" not in requests.get(copy.url("lb"), timeout=5).text


def test_post_survives_a_restart_and_two_instances_show_it(
    copy: RepositoryCopy, writer: Person
) -> None:
    copy.alertdrill("restart", "blog")
    assert all("Before the restart." in writer.get("/").text for _ in range(10))
    page = writer.send("/1/update", title="First", body="After the restart.")
    assert "After the restart." in page
    answered = {line["instance"] for line in copy.access_lines("blog", status=200)}
    assert answered == {"blog-1", "blog-2"}


def test_session_holds_in_every_instance(copy: RepositoryCopy, writer: Person) -> None:
    assert all("Log out" in writer.get("/").text for _ in range(10))


def test_scaled_instance_shows_the_same_posts(copy: RepositoryCopy, writer: Person) -> None:
    copy.alertdrill("scale", "blog=3")
    assert all("First" in writer.get("/").text for _ in range(12))
    copy.alertdrill("scale", "blog=2")


def test_error_pages_stay_those_of_the_application(copy: RepositoryCopy, writer: Person) -> None:
    response = writer.get("/nothing")
    assert (response.status_code, response.headers["Content-Type"]) == (
        404,
        "text/html; charset=utf-8",
    )


def test_operations_are_not_reachable(writer: Person) -> None:
    for path in ("/metrics", "/readyz", "/healthz", "/faults"):
        assert writer.get(path).status_code == 404


def test_secret_is_in_no_variable(copy: RepositoryCopy) -> None:
    shown = copy.alertdrill("exec", "blog", "--", "env").stdout
    match = re.search(r"^BLOG_SECRET_KEY_FILE=(\S+)$", shown, re.MULTILINE)
    assert match, shown
    secret = copy.alertdrill("exec", "blog", "--", "cat", match[1]).stdout.strip()
    assert len(secret) >= 32
    assert secret not in shown


def test_failing_command_ends_with_its_code(copy: RepositoryCopy) -> None:
    done = copy.alertdrill(
        "exec", "blog", "--", "python", "-c", "'raise SystemExit(7)'", check=False
    )
    assert done.returncode == 7


def test_prometheus_scrapes_every_instance(copy: RepositoryCopy, writer: Person) -> None:
    poll_until(lambda: copy.total('count(up{service="blog",job="services"})') == 2, "targets", 30)
    routes = 'count by (url_rule) (flask_http_request_duration_seconds_count{service="blog"})'
    poll_until(
        lambda: (
            {"/", "/<int:post_id>/update"}
            <= {row["metric"]["url_rule"] for row in copy.query(routes)}
        ),
        "its routes",
        30,
    )


@pytest.mark.parametrize("record", ["service:objective:ratio", "service:requests:rate5m"])
def test_rules_cover_it(copy: RepositoryCopy, writer: Person, record: str) -> None:
    assert writer.get("/").ok
    poll_until(lambda: copy.total(f'count({record}{{service="blog"}})') == 1, record, 40)


def test_hung_instance_is_healed(copy: RepositoryCopy) -> None:
    before = copy.instances()["blog-2"]["pid"]
    copy.alertdrill("pause", "blog-2")
    poll_until(lambda: copy.instances()["blog-2"]["pid"] != before, "a new blog-2", HEALED_S)
    [action, *_] = poll_until(lambda: restarts(copy, "blog-2"), "its restart to be done", HEALED_S)
    assert action["alert"] in {"InstanceHung", "InstanceDown"}


def restarts(copy: RepositoryCopy, target: str) -> list[dict[str, Any]]:
    """Return the finished restarts of the responder of a target."""
    actions = requests.get(copy.url("responder", "/actions"), timeout=5).json()
    expected = {"kind": "restart", "target": target, "state": "done"}
    return [action for action in actions if expected.items() <= action.items()]


def test_application_folder_stays_clean(copy: RepositoryCopy) -> None:
    assert not list((copy.root.parent / "blog").rglob("*.sqlite*"))


def test_service_that_is_not_ready_leaves_the_others(copy: RepositoryCopy) -> None:
    """It comes last: it breaks the application."""
    file = copy.root.parent / "blog/blog/__init__.py"
    text = file.read_text()
    line = 'init_app(app, service="blog")'
    broken = f'{line}.readiness.add("disk", lambda: "The disk is absent.")'
    file.write_text(text.replace(line, broken))
    copy.alertdrill("down")
    done = copy.alertdrill("up", check=False)
    assert done.returncode == 1
    assert re.search(r"blog-[12] is not ready", done.stderr), done.stderr
    assert "The disk is absent." in done.stderr
    states = {name: item["state"] for name, item in copy.instances().items()}
    assert states["web-1"] == states["responder-1"] == states["prometheus-1"] == "ready"
    assert states["blog-1"] != "ready"
    assert requests.get(copy.url("lb"), timeout=5).status_code == 200
