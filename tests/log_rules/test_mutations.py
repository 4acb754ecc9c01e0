"""What the mutation check of LogQL changes; no Loki is needed to say so."""

import pytest

from tests.log_rules.cases import every_file, rule
from tests.log_rules.mutations import filters, mutations
from tests.rules.mutations.tokens import tokens

ALERTS = [tests.alert for tests in every_file()]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('rate({a="b"}[1m])', {'rate({a=~".+"}[1m])': "any a"}),
        ('rate({a="b"}[1m])', {'rate({a="b"}[2m])': "window 1m -> 2m"}),
        (
            'rate({a="b"} | c != "" | d >= 4 [1m])',
            {
                'rate({a="b"} | d >= 4 [1m])': 'without | c != ""',
                'rate({a="b"} | c != "" [1m])': "without | d >= 4",
                'rate({a="b"} | c != "" | d > 4 [1m])': "comparison >= -> >",
                'rate({a="b"} | c != "" | d >= 5 [1m])': "threshold 4 -> 5",
            },
        ),
    ],
)
def test_change_is_found(expression: str, expected: dict[str, str]) -> None:
    found = {changed: text for text, changed in mutations(expression).items()}
    assert expected.items() <= found.items()


def test_what_cannot_be_changed_is_left_alone() -> None:
    assert mutations('{a=~".+"} | label_format b=c') == {}


def test_texts_have_no_neighbour() -> None:
    assert "comparison != -> ==" not in mutations('rate({a="b"} | c != "" [1m])')


@pytest.mark.parametrize("alert", ALERTS)
def test_no_stage_is_overlooked(alert: str) -> None:
    expression = rule(alert)["expr"]
    words = tokens(expression)
    stages = [place for place, word in enumerate(words) if word.text == "|"]
    others = [words[place + 1].text for place in stages if not filters(words, place)]
    assert set(others) <= {"label_format"}
    left_out = [text for text in mutations(expression) if text.startswith("without |")]
    assert len(left_out) == len(stages) - len(others)
