"""Check that the tests of each rule detect its mutations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from . import Mutation, mutations
from .batch_variants import variant
from .promtool import failing_variants
from .rules import Rule, RuleTests, all_test_files, name, reads


@dataclass(frozen=True)
class Report:
    """The killed and the survived mutations of a rule."""

    rule: str
    tests: Sequence[RuleTests]
    killed: Sequence[str] = ()
    survived: Sequence[str] = ()
    equivalents: Sequence[str] = field(default=(), compare=False)

    @property
    def equivalent(self) -> list[str]:
        """Return the survivors that are listed as equivalent."""
        return [text for text in self.survived if _lists(text, self.equivalents)]

    @property
    def problems(self) -> list[str]:
        """Return the problems of the tests, and of their lists of equivalent mutations."""
        return [
            *(
                f"No test of {self.rule} fails with {text}."
                for text in self.survived
                if text not in self.equivalent
            ),
            *(
                f"{self.rule} lists a mutation as equivalent that the tests detect: {text}."
                for text in self.killed
                if _lists(text, self.equivalents)
            ),
            *(
                f"{self.rule} lists an unknown equivalent mutation, or gives no reason: {line}"
                for line in self.equivalents
                if not any(_lists(text, [line]) for text in [*self.killed, *self.survived])
            ),
        ]


def _lists(text: str, lines: Iterable[str]) -> bool:
    return any(line.startswith(f"{text}: ") for line in lines)


def check_alert(*readers: RuleTests) -> Report:
    """Try all mutations of the alert that these files test.

    Raises ValueError if a test fails without a mutation.
    """
    alert = readers[0].rules()[0]
    lines = [line for reader in readers for line in reader.equivalents]
    equivalents = [line for line in lines if ":" not in line.split(" ")[0]]
    return _check(name(alert), [alert], readers, equivalents)


def check_record(record: str, readers: Sequence[RuleTests]) -> Report:
    """Try all mutations of a recording rule: the tests of an alert must detect them."""
    rules = [rule for rule in readers[0].rules() if rule.get("record") == record]
    lines = [line for reader in readers for line in reader.equivalents]
    equivalents = [
        line.removeprefix(f"{record}: ") for line in lines if line.startswith(f"{record}: ")
    ]
    return _check(record, rules, readers, equivalents)


def alerts(every: Iterable[RuleTests]) -> Mapping[str, list[RuleTests]]:
    """Return each alert and its test files."""
    files_by_alert: dict[str, list[RuleTests]] = {}
    for file in every:
        files_by_alert.setdefault(file.path.stem, []).append(file)
    return files_by_alert


def records(every: Iterable[RuleTests]) -> Mapping[str, list[RuleTests]]:
    """Return each recording rule that an alert names, and the test files of those alerts."""
    files_by_record: dict[str, list[RuleTests]] = {}
    for file in every:
        alert, *needed = file.rules()
        for record in {name(rule) for rule in needed} & reads(alert):
            files_by_record.setdefault(record, []).append(file)
    return dict(sorted(files_by_record.items()))


def _check(
    rule: str, originals: Sequence[Rule], readers: Sequence[RuleTests], equivalents: Sequence[str]
) -> Report:
    remaining = [(original, mutation) for original in originals for mutation in mutations(original)]
    killed: list[str] = []
    for reader in readers:
        killed_indexes = _killed_by(reader, remaining) if remaining else set()
        killed += [remaining[at][1].text for at in sorted(killed_indexes)]
        remaining = [pair for at, pair in enumerate(remaining) if at not in killed_indexes]
    return Report(rule, readers, killed, [mutation.text for _, mutation in remaining], equivalents)


def _killed_by(reader: RuleTests, changed: Sequence[tuple[Rule, Mutation]]) -> set[int]:
    """Return the indexes of the mutations that the tests kill.

    The shortest test runs first with all mutations, later ones with the remaining mutations. The
    unchanged rules are included, to prove that the mutation causes the failure.
    """
    needed = reader.rules()
    remaining = [
        variant(number, needed, rule, mutation.rule)
        for number, (rule, mutation) in enumerate(changed, start=1)
    ]
    detected: set[int] = set()
    for case in reader.cases([rule for rule, _ in changed]):
        failed = failing_variants(reader, case, remaining)
        if 0 in failed:
            raise ValueError(f"{reader.path.name} fails without a mutation: {case['name']}.")
        detected |= failed
        remaining = [mutation for mutation in remaining if mutation.number not in failed]
        if not remaining:
            break
    return {number - 1 for number in detected}


def check(names: Sequence[str] = ()) -> Iterable[Report]:
    """Yield the reports of these rules, or of all.

    Raises LookupError for a name that is neither a tested alert nor a recording rule of one.
    """
    every = all_test_files()
    by_name = alerts(every)
    for rule in names or by_name:
        if rule in by_name:
            yield check_alert(*by_name[rule])
    remaining = set(names) - set(by_name)
    # Other test files may be incomplete while you work on a single alert.
    read = records(every) if remaining or not names else {}
    if remaining - set(read):
        raise LookupError(
            f"no test file in tests/rules for {', '.join(sorted(remaining - set(read)))}."
        )
    for record in sorted(remaining) if names else read:
        yield check_record(record, read[record])
