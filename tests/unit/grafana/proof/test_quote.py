import pytest

from grafana.proof import quote
from grafana.proof.errors import ProofError

TWO = ["web", "data.service"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("glob", "{web,data.service}"),
        ("regex", r"(web|data\.service)"),
        ("pipe", "web|data.service"),
        ("csv", "web,data.service"),
        ("json", '["web","data.service"]'),
        ("singlequote", "'web','data.service'"),
        ("doublequote", '"web","data.service"'),
        ("percentencode", "%7Bweb%2Cdata.service%7D"),
    ],
)
def test_formats_are_grafanas(name: str, expected: str) -> None:
    assert quote.named(name)(TWO, True) == expected


def test_unknown_format_is_refused() -> None:
    with pytest.raises(ProofError, match="not known"):
        quote.named("shout")


def test_prometheus_gets_a_regex() -> None:
    assert quote.prometheus(TWO, True) == r"(web|data\\.service)"
    assert quote.prometheus(["data.service"], True) == r"data\\.service"
    assert quote.prometheus(["a'b\\"], False) == r"a\\'b" + "\\\\"


def test_loki_gets_one_without_brackets() -> None:
    assert quote.loki(TWO, True) == r"web|data\\.service"
    assert quote.loki(['a"b'], False) == r"a\"b"
