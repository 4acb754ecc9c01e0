import pytest

from alertdrill.drills.ask import Alertmanager, Prometheus, Ruler, duration, get
from alertdrill.drills.errors import UnreachableError
from alertdrill.drills.outcome import Line
from tests.unit.alertdrill.drills.api import Api

AT = "2026-11-23T10:20:30.5"


@pytest.fixture
def prometheus(api: Api) -> Prometheus:
    return Prometheus(api.url)


def data(value: object) -> dict[str, object]:
    return {"status": "success", "data": value}


def vector(*values: str) -> dict[str, object]:
    result = [{"metric": {"n": str(n)}, "value": [1, text]} for n, text in enumerate(values)]
    return data({"resultType": "vector", "result": result})


def test_query_returns_the_samples(api: Api, prometheus: Prometheus) -> None:
    api.answers["/api/v1/query"] = vector("1", "2")
    assert [row["value"][1] for row in prometheus.query("up > 0")] == ["1", "2"]
    assert api.asked[0].query == {"query": "up > 0"}


def test_query_can_be_about_earlier(api: Api, prometheus: Prometheus) -> None:
    api.answers["/api/v1/query"] = vector("1")
    assert len(prometheus.query_at("up", 1795429230.5)) == 1
    assert api.asked[0].query == {"query": "up", "time": "1795429230.500"}


def test_scalar_counts_as_one_sample(api: Api, prometheus: Prometheus) -> None:
    api.answers["/api/v1/query"] = data({"resultType": "scalar", "result": [1, "3.5"]})
    assert prometheus.value("3.5") == 3.5


def test_value_is_the_first_sample(api: Api, prometheus: Prometheus) -> None:
    api.answers["/api/v1/query"] = vector("7", "8")
    assert prometheus.value("up") == 7
    api.answers["/api/v1/query"] = vector()
    assert prometheus.value("up") is None


def test_lines_cover_the_span(api: Api, prometheus: Prometheus) -> None:
    rows = [{"metric": {"a": "b"}, "values": [[1, "2"], [1.5, "NaN"]]}]
    api.answers["/api/v1/query_range"] = data({"resultType": "matrix", "result": rows})
    (line,) = prometheus.lines("up", (1.0, 1.5), 0.5)
    assert (line.labels, line.points[0]) == (Line({"a": "b"}, []).labels, (1.0, 2.0))
    assert api.asked[0].query == {"query": "up", "start": "1.0", "end": "1.5", "step": "0.5"}


def test_rule_is_read_as_it_runs(api: Api, prometheus: Prometheus) -> None:
    active = {
        "state": "firing",
        "labels": {"alertname": "Down"},
        # As Go writes it, to the nanosecond.
        "activeAt": f"{AT}12345678Z",
        "value": "1e+00",
    }
    rule = {
        "name": "Down",
        "query": "up == 0",
        "duration": 60,
        "alerts": [active],
        "lastError": "no",
    }
    api.answers["/api/v1/rules"] = data({"groups": [{"interval": 5, "rules": [rule]}]})
    found = prometheus.rule("Down")
    assert found
    assert (found.query, found.hold, found.interval, found.error) == ("up == 0", 60, 5, "no")
    assert found.alerts[0].since == pytest.approx(1795429230.5, abs=0.1)
    assert api.asked[0].query == {"type": "alert", "rule_name[]": "Down"}


def test_absent_rule_is_none(api: Api, prometheus: Prometheus) -> None:
    api.answers["/api/v1/rules"] = data({"groups": []})
    assert prometheus.rule("Down") is None


def test_ruler_answers_as_prometheus_does(api: Api) -> None:
    other, mine = (
        {"name": name, "query": f"({name} > 1)", "duration": 5, "alerts": None}
        for name in ("Up", "Down")
    )
    groups = [{"interval": 0.417, "rules": [other, mine]}]
    api.answers["/prometheus/api/v1/rules"] = data({"groups": groups})
    api.answers["/prometheus/api/v1/alerts"] = data({"alerts": None})
    api.answers["/loki/api/v1/query"] = vector("7")
    ruler = Ruler(api.url)
    found = ruler.rule("Down")
    assert found
    assert (found.query, found.interval, found.alerts) == ("(Down > 1)", 0.417, [])
    assert ruler.branches(found.query)[0][0].left == "Down"
    assert ruler.firing() == []
    assert len(ruler.query("vector(7)")) == 1


def test_ruler_may_have_no_rules_yet(api: Api) -> None:
    api.answers["/prometheus/api/v1/rules"] = data({"groups": None})
    assert Ruler(api.url).rule("Down") is None


def test_pending_alerts_do_not_fire(api: Api, prometheus: Prometheus) -> None:
    alerts = [{"state": state, "labels": {"alertname": state}} for state in ("pending", "firing")]
    api.answers["/api/v1/alerts"] = data({"alerts": alerts})
    assert prometheus.firing() == [{"alertname": "firing"}]


def test_intervals_come_from_loaded_configuration(api: Api, prometheus: Prometheus) -> None:
    api.answers["/api/v1/status/config"] = data({"yaml": "global: {scrape_interval: 417ms}"})
    api.answers["/api/v2/status"] = {"config": {"original": "route: {group_wait: 10s}"}}
    assert prometheus.scrape_interval() == pytest.approx(0.417)
    assert Alertmanager(api.url).group_wait() == 10


def test_alertmanager_is_asked_by_name(api: Api) -> None:
    api.answers["/api/v2/alerts"] = [{"labels": {}}]
    assert Alertmanager(api.url).alerts("Down") == [{"labels": {}}]
    assert api.asked[0].query == {"filter": 'alertname="Down"'}


def test_refusal_says_status_and_why(api: Api) -> None:
    api.answers["/x"] = 503
    with pytest.raises(UnreachableError, match=rf"^{api.url}/x answers 503: no, not so"):
        get(f"{api.url}/x")


def test_silence_is_unreachable_too(api: Api) -> None:
    api.close()
    with pytest.raises(UnreachableError, match=r"/x does not answer\.$"):
        get(f"{api.url}/x")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1m30s", 90),
        ("417ms", 0.417),
        ("0s", 0),
        ("1w", 604_800),
        ("1y", 31_536_000),
        ("4h", 14_400),
    ],
)
def test_prometheus_durations_are_read(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)
