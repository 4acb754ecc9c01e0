from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alertdrill.cli import app
from alertdrill.cli import new as new_commands
from tests.unit.alertdrill.scaffold.conftest import root
from tests.unit.alertdrill.scaffold.files import contents

__all__ = ["root"]
Run = Callable[..., Result]


@pytest.fixture
def new(root: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(new_commands, "ROOT", root)
    return lambda *arguments: CliRunner().invoke(
        app.main, ["new", *arguments], env={"COLUMNS": "200"}
    )


def test_alert_is_written_and_what_to_decide_is_shown(new: Run, root: Path) -> None:
    result = new("alert", "WebTrouble", "--service", "web", "--kind", "latency")
    assert result.exit_code == 0, result.output
    assert "wrote prometheus/rules/web.yml\n" in result.stdout
    assert "prometheus/rules/web.yml:6: the thresholds.\n" in result.stdout
    assert "  alertdrill drill run WebTrouble\n" in result.stdout
    assert "latency" in (root / "drills/WebTrouble.yml").read_text()


def test_service_is_written_and_the_next_command_is_shown(new: Run, root: Path) -> None:
    result = new("service", "orders", "--port", "5005", "--public", "/orders")
    assert result.exit_code == 0, result.output
    assert "wrote apps/orders/__init__.py\n" in result.stdout
    assert "Then run:\n  make up\n" in result.stdout
    assert "  port: 5005\n" in (root / "apps/services.yml").read_text()


def test_line_for_an_adopted_application_is_shown(new: Run, root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    result = new("service", "shop", "--from", str(folder), "--app", "shop:app")
    assert result.exit_code == 0, result.output
    assert "  from alertdrill_telemetry import init_app\n" in result.stdout
    assert '  init_app(app, service="shop")\n' in result.stdout
    # It is below a path, which its links need.
    assert "ProxyFix(app.wsgi_app, x_prefix=1)" in result.stdout
    assert "  path: ../shop\n" in (root / "apps/services.yml").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("alert", "webTrouble", "--service", "web"), 1, "use PascalCase, as in OrdersErrors."),
        (("alert", "WebTrouble"), 2, "Missing option '--service'"),
        (("service", "web"), 1, "There is a service web already: use another name."),
        (("service", "orders", "--port", "4999"), 2, "5000<=x<=5009"),
        (("service", "orders", "--from", "."), 2, "--from and --app belong together: give both."),
        (("service", "orders", "--app", "a:b"), 2, "--from and --app belong together: give both."),
    ],
)
def test_refusal_is_a_sentence_and_nothing_is_written(
    new: Run, root: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    before = contents(root)
    result = new(*arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert contents(root) == before
