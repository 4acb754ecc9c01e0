from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.annotations import Annotation, AnnotationError, post_annotation
from alertdrill.grafana_token import GrafanaClient, ensure_token
from tests.unit.alertdrill.fake_grafana import FakeGrafana

ANNOTATION = Annotation(1000.5, 1010.0, ["load", "spike"], "Load spike: passed.")


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    grafana = FakeGrafana()
    yield grafana
    grafana.close()


def stack(url: str, token: str, *running: str) -> Any:
    return SimpleNamespace(
        status=lambda: [SimpleNamespace(service=name, pid=1) for name in running],
        address=lambda _: url,
        grafana_token=lambda: token,
    )


def test_annotation_is_posted_with_the_token(grafana: FakeGrafana, tmp_path: Path) -> None:
    ensure_token(GrafanaClient(grafana.url, "secret"), tmp_path / "token")
    token = (tmp_path / "token").read_text()
    assert post_annotation(stack(grafana.url, token, "web", "grafana"), ANNOTATION)
    assert grafana.annotations == [
        {
            "time": 1_000_500,
            "timeEnd": 1_010_000,
            "tags": ["alertdrill", "load", "spike"],
            "text": "Load spike: passed.",
        }
    ]


def test_stack_without_grafana_gets_no_annotation(grafana: FakeGrafana) -> None:
    assert not post_annotation(stack(grafana.url, "x", "web"), ANNOTATION)


def test_token_of_a_viewer_is_refused(grafana: FakeGrafana, tmp_path: Path) -> None:
    ensure_token(GrafanaClient(grafana.url, "secret"), tmp_path / "token")
    for account in grafana.accounts.values():
        account["role"] = "Viewer"
    with pytest.raises(AnnotationError, match="403"):
        post_annotation(stack(grafana.url, (tmp_path / "token").read_text(), "grafana"), ANNOTATION)


def test_missing_token_is_an_error(grafana: FakeGrafana) -> None:
    with pytest.raises(AnnotationError, match="There is no token"):
        post_annotation(stack(grafana.url, "", "grafana"), ANNOTATION)


def test_unreachable_grafana_is_an_error() -> None:
    with pytest.raises(AnnotationError, match="refused an annotation"):
        post_annotation(stack("http://127.0.0.1:9", "x", "grafana"), ANNOTATION)
