"""Hold every rule against its tests, and say what they let through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from . import Mutation, mutations
from .promtool import failing
from .rules import Rule, RuleTests, every_file, name, reads
from .variants import variant


@dataclass(frozen=True)
class Found:
    """Which mutations of a rule made its tests fail, and which did not."""

    rule: str
    tests: Sequence[RuleTests]
    killed: Sequence[str] = ()
    survived: Sequence[str] = ()
    excuses: Sequence[str] = field(default=(), compare=False)

    @property
    def excused(self) -> list[str]:
        """Return the survivors that have an excuse."""
        return [text for text in self.survived if _excuses(text, self.excuses)]

    @property
    def problems(self) -> list[str]:
        """Say, a sentence each, what is wrong with the tests or with their excuses."""
        return [
            *(
                f"No test of {self.rule} fails with {text}."
                for text in self.survived
                if text not in self.excused
            ),
            *(
                f"{self.rule} excuses a change that the tests do see: {text}."
                for text in self.killed
                if _excuses(text, self.excuses)
            ),
            *(
                f"{self.rule} excuses a change that is not made, or gives no reason: {line}"
                for line in self.excuses
                if not any(_excuses(text, [line]) for text in [*self.killed, *self.survived])
            ),
        ]


def _excuses(text: str, lines: Iterable[str]) -> bool:
    return any(line.startswith(f"{text}: ") for line in lines)


def check_alert(*readers: RuleTests) -> Found:
    """Try every mutation of the alert that these files test.

    Raises ValueError if a test fails already without any.
    """
    alert = readers[0].rules()[0]
    lines = [line for reader in readers for line in reader.excuses]
    excuses = [line for line in lines if ":" not in line.split(" ")[0]]
    return _check(name(alert), [alert], readers, excuses)


def check_record(record: str, readers: Sequence[RuleTests]) -> Found:
    """Try every mutation of a recording rule: one of the alerts that read it must notice."""
    rules = [rule for rule in readers[0].rules() if rule.get("record") == record]
    lines = [line for reader in readers for line in reader.excuses]
    excuses = [line.removeprefix(f"{record}: ") for line in lines if line.startswith(f"{record}: ")]
    return _check(record, rules, readers, excuses)


def alerts(every: Iterable[RuleTests]) -> Mapping[str, list[RuleTests]]:
    """Return each alert and its test files."""
    found: dict[str, list[RuleTests]] = {}
    for each in every:
        found.setdefault(each.path.stem, []).append(each)
    return found


def records(every: Iterable[RuleTests]) -> Mapping[str, list[RuleTests]]:
    """Return each recording rule that an alert names, and the test files of those alerts."""
    found: dict[str, list[RuleTests]] = {}
    for each in every:
        alert, *needed = each.rules()
        for record in {name(rule) for rule in needed} & reads(alert):
            found.setdefault(record, []).append(each)
    return dict(sorted(found.items()))


def _check(
    rule: str, originals: Sequence[Rule], readers: Sequence[RuleTests], excuses: Sequence[str]
) -> Found:
    left = [(original, each) for original in originals for each in mutations(original)]
    killed: list[str] = []
    for reader in readers:
        dead = _noticed(reader, left) if left else set()
        killed += [left[at][1].text for at in sorted(dead)]
        left = [pair for at, pair in enumerate(left) if at not in dead]
    return Found(rule, readers, killed, [each.text for _, each in left], excuses)


def _noticed(reader: RuleTests, changed: Sequence[tuple[Rule, Mutation]]) -> set[int]:
    """Return which of the changes the tests notice, by their place.

    The shortest test goes first, and what one has noticed no other has to: most never see the
    long ones. The rules without any change go along, to see that it is the change.
    """
    needed = reader.rules()
    left = [
        variant(number, needed, rule, each.rule)
        for number, (rule, each) in enumerate(changed, start=1)
    ]
    noticed: set[int] = set()
    for case in reader.cases([rule for rule, _ in changed]):
        found = failing(reader, case, left)
        if 0 in found:
            raise ValueError(f"{reader.path.name} fails without any change: {case['name']}.")
        noticed |= found
        left = [each for each in left if each.number not in found]
        if not left:
            break
    return {number - 1 for number in noticed}


def check(names: Sequence[str] = ()) -> Iterable[Found]:
    """Yield what is found of these rules, or of all.

    Raises LookupError for a name that is neither a tested alert nor a rule that one reads.
    """
    every = every_file()
    by_name = alerts(every)
    for each in names or by_name:
        if each in by_name:
            yield check_alert(*by_name[each])
    left = set(names) - set(by_name)
    # Other test files may be half written while somebody looks at one alert.
    read = records(every) if left or not names else {}
    if left - set(read):
        raise LookupError(f"No test file is of {', '.join(sorted(left - set(read)))}.")
    for record in sorted(left) if names else read:
        yield check_record(record, read[record])
