import json
from pathlib import Path

import pytest

from alertdrill.config.services import SERVICES
from alertdrill.runtimes import base
from alertdrill.runtimes.base import instances_of, last_error
from alertdrill.runtimes.errors import StackUnavailableError, UnknownTargetError
from tests.unit.alertdrill.fake_runtime import instance

OWN_FRAME = '  File "/shop/app.py", line 3, in create_app'
EXCEPTION = {
    "type": "builtins.KeyError",
    "message": "x",
    "stack": f'{OWN_FRAME}\n  File "/venv/site-packages/b.py", line 9, in c',
}


def test_instances_of_a_service_include_those_on_standby() -> None:
    status = [instance("web-1"), instance("lb-1"), instance("web-2", state="standby")]
    assert [item.name for item in instances_of("web", status)] == ["web-1", "web-2"]
    with pytest.raises(UnknownTargetError, match="no service named 'mail'"):
        instances_of("mail", status)


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ([], ""),
        (
            [json.dumps({"level": "ERROR", "message": "It fails.", "exception": EXCEPTION})],
            "It fails. KeyError: x (/shop/app.py:3)",
        ),
        (
            [
                '  File "/shop/app.py", line 3',
                "ModuleNotFoundError: No module named 'x'",
                "Error: no",
            ],
            "ModuleNotFoundError: No module named 'x' (/shop/app.py:3)",
        ),
        (["first", "last", " "], "last"),
        (["  File x", "ImportError: No module named 'x'", "]"], "ImportError: No module named 'x'"),
        (['{"level":"ERROR","message":"No database."}', '{"level":"INFO"}'], "No database."),
        (
            [
                '{"level":"ERROR","message":"It fails.","exception":{"message":"No file."}}',
                '{"level":"ERROR","logger":"_granian","message":"Unexpected exit"}',
            ],
            "It fails. No file.",
        ),
        (['{"level":"CRITICAL"}', "Stopped", "[1]"], '{"level":"CRITICAL"}'),
        (["x" * 1000], "x" * 400),
    ],
)
def test_line_about_an_error_says_more_than_the_last(lines: list[str], line: str) -> None:
    assert last_error(lines) == line


@pytest.mark.parametrize("content", [None, ""])
def test_secret_of_the_operator_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    monkeypatch.setattr(base, "ROOT", tmp_path)
    service = SERVICES["web"].model_copy(update={"secrets": {"key": "provided"}})
    file = tmp_path / "secrets/web/key"
    file.parent.mkdir(parents=True)
    if content is not None:
        file.write_text(content)
    with pytest.raises(StackUnavailableError, match=f"needs the secret key: write it to {file}"):
        base.require_secrets(service)
    file.write_text("x")
    base.require_secrets(service)
