from __future__ import annotations

from grafana.build.responder_panels import actions, decision_log


def test_panels_have_their_size() -> None:
    for panel in (actions((10, 7)).build(), decision_log((10, 7)).build()):
        assert panel.grid_pos is not None
        assert (panel.grid_pos.w, panel.grid_pos.h) == (10, 7)


def test_decision_log_excludes_requests() -> None:
    (target,) = decision_log((24, 8)).build().targets or []
    assert target.to_json()["expr"].startswith('{service="responder"} | logger != "access" |')  # type: ignore[attr-defined]
