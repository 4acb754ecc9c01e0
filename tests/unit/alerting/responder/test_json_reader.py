from __future__ import annotations

import pytest

from alerting.responder.errors import MalformedBodyError
from alerting.responder.json_reader import JsonFields


def test_error_has_the_whole_path() -> None:
    (item,) = JsonFields({"alerts": [{"labels": {"service": 7}}]}).objects("alerts")
    with pytest.raises(MalformedBodyError) as caught:
        item.labels("labels")
    assert caught.value.field == "alerts[0].labels.service"


@pytest.mark.parametrize("value", [True, -1, 1.0, "1", None])
def test_count_takes_whole_numbers_only(value: object) -> None:
    with pytest.raises(MalformedBodyError, match="truncatedAlerts"):
        JsonFields({"truncatedAlerts": value}).count("truncatedAlerts", default=0)


@pytest.mark.parametrize("value", [[], {}, "x", None, [1]])
def test_objects_takes_filled_lists_only(value: object) -> None:
    with pytest.raises(MalformedBodyError, match="alerts"):
        JsonFields({"alerts": value}).objects("alerts")
