from collections.abc import Callable
from dataclasses import replace

import pytest

from alertdrill.runtimes.native.components import components
from alertdrill.runtimes.native.fake_loki import CONFIG, process
from alertdrill.runtimes.native.process import Process, RenderContext

ContextWith = Callable[..., RenderContext]


def standing_in(render_context: RenderContext) -> dict[str, Process]:
    calls = replace(render_context, settings=replace(render_context.settings, fake_loki=True))
    return {process.service: process for process in components(calls)}


def test_fake_loki_replaces_loki(render_context_with: ContextWith) -> None:
    found = standing_in(render_context_with("otelcol"))
    assert found["fake-loki"].ready == found["collector"].environment["LOKI_URL"] + "/ready"
    assert found["collector"].command[-1] == f"--config={CONFIG}"
    assert CONFIG.exists()


@pytest.mark.parametrize("programs", [["loki", "otelcol"], ["loki"], []])
def test_fake_loki_is_unnecessary(render_context_with: ContextWith, programs: list[str]) -> None:
    found = standing_in(render_context_with(*programs))
    assert "fake-loki" not in found
    assert all(
        str(CONFIG) not in argument for process in found.values() for argument in process.command
    )


def test_fake_loki_is_off_by_default(render_context_with: ContextWith) -> None:
    assert {"fake-loki", "collector"}.isdisjoint(
        one.service for one in components(render_context_with("otelcol"))
    )


def test_fake_loki_has_a_port_and_a_folder(render_context: RenderContext) -> None:
    fake_loki = process(render_context)
    assert fake_loki.command[-2:] == [
        str(render_context.ports.loki),
        str(render_context.layout.data / "fake-loki"),
    ]
    assert fake_loki.job is None
