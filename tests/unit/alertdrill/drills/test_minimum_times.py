import pytest

from alertdrill.drills.minimum_times import PipelineTiming, to_firing, to_notification
from tests.unit.alertdrill.drills.fakes import make_drill


def test_minimum_is_the_sum_of_the_pipeline() -> None:
    pace = PipelineTiming(speed=1, scrape=5, evaluation=5, hold=60, group_wait=10)
    drill = make_drill(window=6.0, fixed_delay=1.0)
    assert to_firing(drill, pace) == 5 + 6 + 1 + 60 + 5
    assert to_notification(drill, pace) == to_firing(drill, pace) + 10


def test_speed_divides_only_the_window() -> None:
    # What Prometheus and Alertmanager run with is at the speed already.
    pace = PipelineTiming(speed=12, scrape=0.4, evaluation=0.4, hold=5, group_wait=0.8)
    drill = make_drill(window=6.0, fixed_delay=1.0)
    assert to_firing(drill, pace) == pytest.approx(0.4 + 0.5 + 1 + 5 + 0.4)
