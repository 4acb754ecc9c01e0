from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from alertdrill.audit.compare import Party, by_count, by_id

SENT = [f"run-{number:03}" for number in range(40)]
ids = st.sets(st.sampled_from(SENT))
times = st.dictionaries(st.sampled_from(SENT), st.integers(2, 5))


@given(lost=ids, doubled=times, strange=st.sets(st.sampled_from(["run-900", "run-901"])))
def test_each_fault_is_named_exactly(
    lost: set[str], doubled: dict[str, int], strange: set[str]
) -> None:
    seen = Counter(SENT) + Counter({id_: count - 1 for id_, count in doubled.items()})
    seen = Counter({id_: count for id_, count in seen.items() if id_ not in lost})
    party = by_id("files", SENT, seen + Counter(strange))
    assert set(party.missing) == lost
    assert party.doubled == {id_: doubled[id_] for id_ in sorted(doubled) if id_ not in lost}
    assert set(party.strange) == strange
    assert party.exact is not bool(lost or set(doubled) - lost or strange)


@given(again=st.dictionaries(st.sampled_from(SENT), st.integers(1, 3)), seen=times)
def test_retry_explains_its_own_request(again: dict[str, int], seen: dict[str, int]) -> None:
    party = by_id("files", SENT, {**dict.fromkeys(SENT, 1), **seen}, again)
    assert set(party.doubled) == {id_ for id_ in seen if seen[id_] - 1 > again.get(id_, 0)}
    assert party.exact is not bool(party.doubled)


def test_retry_excuses_no_loss() -> None:
    party = by_id("files", SENT, Counter(SENT[1:]), {SENT[0]: 2})
    assert party.missing == [SENT[0]]


def test_loss_and_double_do_not_cancel() -> None:
    party = by_id("files", SENT, Counter([*SENT[1:], SENT[1]]))
    assert party.difference == 0
    assert not party.exact


def test_count_may_exceed_by_retries() -> None:
    assert by_count("web", 40, 42, again=2) == Party("web", 40, 42, explained=2)
    assert by_count("web", 40, 40, again=2).exact
    assert by_count("web", 40, 43, again=2).difference == 1
    assert by_count("web", 40, 39, again=2).difference == -1
