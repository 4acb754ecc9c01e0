from typing import Any

import pytest

from alertdrill.loads import annotate as module
from alertdrill.loads.annotate import annotate
from tests.unit.alertdrill.loads.samples import BEGAN, SECONDS, report


def test_annotation_covers_the_time_of_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    posted: list[Any] = []
    monkeypatch.setattr(
        module, "post_annotation", lambda runtime, annotation: posted.append((runtime, annotation))
    )
    runtime: Any = object()
    annotate(runtime, report())
    [(target, annotation)] = posted
    assert target is runtime
    assert (annotation.began, annotation.ended) == (BEGAN, BEGAN + SECONDS)
    assert list(annotation.tags) == ["load", "spike"]
    assert annotation.text == "Load spike, 120 clients at most: missed: errors."
