from typing import Any

import pytest

from alertdrill.loads import annotate as module
from alertdrill.loads.annotate import annotate
from tests.unit.alertdrill.loads.samples import BEGAN, SECONDS, report


def test_note_is_of_the_loads_time(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[Any] = []
    monkeypatch.setattr(
        module, "post_annotation", lambda runtime, note: left.append((runtime, note))
    )
    runtime: Any = object()
    annotate(runtime, report())
    [(whose, note)] = left
    assert whose is runtime
    assert (note.began, note.ended) == (BEGAN, BEGAN + SECONDS)
    assert list(note.tags) == ["load", "spike"]
    assert note.text == "Load spike, 120 clients at most: missed: errors."
