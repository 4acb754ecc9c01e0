from collections.abc import Callable
from dataclasses import replace

import pytest

from alertdrill.runtimes.native.log_sink import CONFIG, process
from alertdrill.runtimes.native.parts import parts
from alertdrill.runtimes.native.process import Process, Site

SiteWith = Callable[..., Site]


def standing_in(site: Site) -> dict[str, Process]:
    asked = replace(site, settings=replace(site.settings, log_sink=True))
    return {process.service: process for process in parts(asked)}


def test_stand_in_takes_lokis_place(site_with: SiteWith) -> None:
    found = standing_in(site_with("otelcol"))
    assert found["log-sink"].ready == found["collector"].environment["LOKI_URL"] + "/ready"
    assert found["collector"].command[-1] == f"--config={CONFIG}"
    assert CONFIG.exists()


@pytest.mark.parametrize("programs", [["loki", "otelcol"], ["loki"], []])
def test_loki_or_no_collector_needs_none(site_with: SiteWith, programs: list[str]) -> None:
    found = standing_in(site_with(*programs))
    assert "log-sink" not in found
    assert all(str(CONFIG) not in argument for one in found.values() for argument in one.command)


def test_nobody_has_it_unasked(site_with: SiteWith) -> None:
    assert {"log-sink", "collector"}.isdisjoint(one.service for one in parts(site_with("otelcol")))


def test_it_has_a_port_and_a_folder(site: Site) -> None:
    made = process(site)
    assert made.command[-2:] == [str(site.ports.loki), str(site.layout.data / "log-sink")]
    assert made.job is None
