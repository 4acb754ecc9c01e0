import yaml

from alertdrill.config import ROOT
from alertdrill.config.settings import StackSettings
from alertdrill.runtimes import speed


def test_speed_one_is_the_compose_file() -> None:
    assert StackSettings.speed == 1
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    durations = [
        flag
        for flag in services["prometheus"]["command"]
        if flag.startswith(("--rules", "--query.lookback"))
    ]
    assert durations
    assert set(durations) <= set(speed.prometheus_flags(1))


def test_durations_are_divided() -> None:
    assert {
        "--rules.alert.for-outage-tolerance=5m",
        "--rules.alert.for-grace-period=50s",
        "--query.lookback-delta=25s",
        "--scrape.discovery-reload-interval=417ms",
    } <= set(speed.prometheus_flags(12))


def test_lokis_file_has_speed_one() -> None:
    ruler = yaml.safe_load((ROOT / "loki" / "loki.yml").read_text())["ruler"]
    written = {f"-ruler.{name.replace('_', '-')}={value}" for name, value in ruler.items()}
    assert set(speed.loki_flags(1)) <= written
    assert "-ruler.evaluation-interval=417ms" in speed.loki_flags(12)
