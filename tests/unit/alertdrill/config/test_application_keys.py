"""The keys of apps/services.yml for an application: its code, routes, variables and files."""

from __future__ import annotations

from pathlib import Path

import pytest

from alertdrill.config import ROOT
from alertdrill.config.service import Service
from alertdrill.config.service_values import RESERVED
from alertdrill.config.services import ServicesError, read_services
from tests.unit.alertdrill.config.declarations import LIMITS, OBJECTIVE, services_from

BLOG = """\
blog:
  port: 5003
  path: ../blog
  app: blog:create_app()
  requirements: requirements.txt
  release: flask --app blog init-db
  host: blog.example.com
  public: [/blog]
  strip_prefix: true
  threads: 4
  env: {DATABASE: "{data}/blog.sqlite", KEY_FILE: "{key}", GREETING: "it's 50% $HOME", NONE: ""}
  volumes: [data]
  secrets: {key: generated, mail_password: provided}
  objective: {availability: 0.99, latency: 500ms}
  limits: {memory: 256MiB, series: 1000}
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Return a repository beside the folder of the application."""
    root = tmp_path / "repository"
    (root / "apps").mkdir(parents=True)
    (root / "apps/__init__.py").touch()
    (tmp_path / "blog").mkdir()
    (tmp_path / "blog/requirements.txt").touch()
    return root


def blog(code: Path) -> Service:
    (code / "apps/services.yml").write_text(BLOG)
    return read_services(code / "apps")["blog"]


def test_application_has_what_is_declared(code: Path) -> None:
    service = blog(code)
    assert (service.path, service.application) == ("../blog", "blog:create_app()")
    assert (service.requirements, service.threads) == ("requirements.txt", 4)
    assert service.release == "flask --app blog init-db"
    assert (service.host, service.public, service.strip_prefix) == (
        *("blog.example.com", ["/blog"], True),
    )
    assert service.volumes == ["data"]
    assert service.secrets == {"key": "generated", "mail_password": "provided"}


def test_application_outside_has_its_folder(code: Path) -> None:
    service = blog(code)
    assert (service.location, service.folder) == ("../blog", (ROOT / "../blog").resolve())


def test_service_without_the_keys_is_the_package_of_its_name(tmp_path: Path) -> None:
    service = services_from(tmp_path, "data-x: {port: 5000}")["data-x"]
    assert (service.location, service.folder) == ("apps/data_x", ROOT / "apps/data_x")
    assert service.application == "apps.data_x:create_app()"
    assert (service.requirements, service.release, service.host) == (None, None, None)
    assert (service.threads, service.strip_prefix, service.environment({})) == (8, False, {})


def test_service_in_the_repository_may_have_another_application(code: Path) -> None:
    services = services_from(code, "a: {port: 5000, app: apps.shop.main:app}")
    assert services["a"].application == "apps.shop.main:app"


def test_variables_have_the_paths_of_files(code: Path) -> None:
    service = blog(code)
    assert service.environment({"data": "/d", "key": "/k", "mail_password": "/m"}) == {
        "DATABASE": "/d/blog.sqlite",
        "KEY_FILE": "/k",
        "GREETING": "it's 50% $HOME",
        "NONE": "",
    }


@pytest.mark.parametrize("public", ["[/]", "[/, /x]"])
def test_whole_site_is_a_path(tmp_path: Path, public: str) -> None:
    parsed = services_from(tmp_path, f"a: {{port: 5000, public: {public}}}")["a"]
    assert parsed.public[0] == "/"


@pytest.mark.parametrize(
    "second", ["host: b.example.com, public: [/x]", "public: [/x]", "host: a.example.com"]
)
def test_hosts_may_have_the_same_path(tmp_path: Path, second: str) -> None:
    if "public" not in second:
        second += ", public: [/x/y]"
    text = "a: {port: 5000, host: a.example.com, public: [/x]}\n"
    assert len(services_from(tmp_path, f"{text}b: {{port: 5001, {second}}}")) == 2


def test_path_of_a_host_belongs_to_one_service(tmp_path: Path) -> None:
    text = "a: {port: 5000, host: a.example, public: [/]}\n"
    with pytest.raises(ServicesError) as error:
        services_from(tmp_path, f"{text}b:\n  {{port: 5001, host: a.example,\n  public: [/]}}")
    assert str(error.value) == "apps/services.yml:4: public a.example/ already belongs to a."


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("path: ../blog", "path needs app, as in app: blog:create_app()"),
        ("requirements: r.txt", "requirements needs path, the folder of the file"),
        ("release: ''", "release is '': use a command, as in flask --app orders init-db"),
        ("release: flask 'x", 'release is "flask \'x": it is no command (No closing quotation)'),
        ("host: a.example", "host needs public, as in public: [/]"),
        ("host: A.example", "host is 'A.example': use a host name in small letters"),
        ("host: 'a.example:80'", "host is 'a.example:80': use a host name in small letters"),
        ("strip_prefix: yes please", "strip_prefix must be true or false"),
        ("public: [/]\n  strip_prefix: true", "strip_prefix needs one public path, as in"),
        ("public: [/a, /b]\n  strip_prefix: true", "strip_prefix needs one public path, as in"),
        ("env: {PORT: '1'}", "PORT is set by the runtime."),
        ("env: {THREADS: '1'}", "THREADS is set by the runtime: use the key threads."),
        ("env: {key: x}", "'key' is not a variable: use capitals, digits and underscores"),
        ("env: {KEY-A: x}", "'KEY-A' is not a variable: use capitals, digits and underscores"),
        ("env: {KEY: 'a\"b'}", "KEY is 'a\"b': use one line without double quotes"),
        ('env: {KEY: "a\\nb"}', "KEY is 'a\\nb': use one line without double quotes"),
        ("env: {KEY: 1}", "KEY must be a text"),
        ("env: {KEY: \"'x'\"}", "KEY is \"'x'\": use a value that neither begins nor ends with"),
        (
            "env: {SECRET_KEY: '{key}'}\n  secrets: {key: generated}",
            "SECRET_KEY would be the path of a secret, which is no secret: read the file, and name",
        ),
        (
            'release: "sh a\\0b"',
            "release is 'sh a\\x00b': use one line, without control characters",
        ),
        ("env: {KEY: true}", "KEY must be a text"),
        ("env: {KEY: '{data}'}", "KEY has {data}, which is no volume or secret: declared are none"),
        (
            "env: {KEY: '{date}'}\n  volumes: [data]\n  secrets: {token: generated}",
            "KEY has {date}, which is no volume or secret: declared are data, token",
        ),
        ("volumes: [data, data]", "data is the name of two volumes or secrets"),
        ("volumes: [data]\n  secrets: {data: generated}", "data is the name of two volumes or"),
        ("secrets: {key: random}", "key is 'random': use 'generated' or 'provided'"),
    ],
)
def test_invalid_key_is_refused_with_its_line(tmp_path: Path, key: str, message: str) -> None:
    (tmp_path / "apps").mkdir()
    text = f"a:\n  {OBJECTIVE}\n  {LIMITS}\n  port: 5000\n  {key}\n"
    (tmp_path / "apps/services.yml").write_text(text)
    with pytest.raises(ServicesError) as error:
        read_services(tmp_path / "apps")
    assert str(error.value).startswith(f"apps/services.yml:5: {message}")


@pytest.mark.parametrize(
    ("key", "invalid"),
    [
        ("app: not an app", "not an app"),
        ("app: 'blog:make(\"x\")'", 'blog:make("x")'),
        ("volumes: [Data]", "Data"),
        ("volumes: [../data]", "../data"),
        ("secrets: {../key: generated}", "../key"),
    ],
)
def test_invalid_name_is_refused_with_advice(tmp_path: Path, key: str, invalid: str) -> None:
    with pytest.raises(ServicesError) as error:
        services_from(tmp_path, f"a: {{port: 5000,\n  {key}}}")
    problem, _, advice = str(error.value).partition(": use ")
    assert problem.startswith("apps/services.yml:2: ")
    assert repr(invalid) in problem
    assert advice


@pytest.mark.parametrize("name", RESERVED)
def test_variable_of_the_runtime_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ServicesError, match=f"^apps/services.yml:1: {name} is set by the runtime"):
        services_from(tmp_path, f"a: {{port: 5000, env: {{{name}: x}}}}")


@pytest.mark.parametrize("value", ["a ;b", "a #b"])
def test_value_that_supervisord_cuts_off_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(ServicesError, match=r"^apps/services.yml:1: KEY is "):
        services_from(tmp_path, f"a: {{port: 5000, env: {{KEY: '{value}'}}}}")


def test_missing_folder_is_refused(code: Path) -> None:
    folder = code / "../gone"
    with pytest.raises(ServicesError) as error:
        services_from(code, "a: {port: 5000, app: a,\n  path: ../gone}")
    assert str(error.value) == (f"apps/services.yml:2: path ../gone: there is no folder {folder}.")


def test_missing_requirements_are_refused(code: Path) -> None:
    text = "a: {port: 5000, app: a, path: ../blog,\n  requirements: dev.txt}"
    with pytest.raises(ServicesError) as error:
        services_from(code, text)
    assert str(error.value) == "apps/services.yml:2: there is no file dev.txt in ../blog."


def test_image_of_the_command_has_no_application(tmp_path: Path) -> None:
    text = "a: {port: 5000, app: a, path: ../gone, requirements: r.txt}"
    assert services_from(tmp_path, text)["a"].path == "../gone"
