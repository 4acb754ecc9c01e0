"""Test the mutations of LogQL, without a Loki."""

import pytest

from tests.log_rules.cases import all_test_files, rule
from tests.log_rules.mutations import is_filter, mutations
from tests.rules.mutations.tokens import tokens

ALERTS = [tests.alert for tests in all_test_files()]


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
    found_changes = {changed: text for text, changed in mutations(expression).items()}
    assert expected.items() <= found_changes.items()


def test_expression_without_mutations_is_unchanged() -> None:
    assert mutations('{a=~".+"} | label_format b=c') == {}


def test_string_comparisons_are_not_changed() -> None:
    assert "comparison != -> ==" not in mutations('rate({a="b"} | c != "" [1m])')


@pytest.mark.parametrize("alert", ALERTS)
def test_no_stage_is_overlooked(alert: str) -> None:
    expression = rule(alert)["expr"]
    token_list = tokens(expression)
    stages = [index for index, token in enumerate(token_list) if token.text == "|"]
    others = [token_list[index + 1].text for index in stages if not is_filter(token_list, index)]
    assert set(others) <= {"label_format"}
    left_out = [text for text in mutations(expression) if text.startswith("without |")]
    assert len(left_out) == len(stages) - len(others)
