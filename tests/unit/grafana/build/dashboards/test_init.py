from __future__ import annotations

from grafana.build.dashboards import ALL


def test_each_is_under_its_uid() -> None:
    assert {uid: make().uid for uid, make in ALL.items()} == {uid: uid for uid in ALL}
