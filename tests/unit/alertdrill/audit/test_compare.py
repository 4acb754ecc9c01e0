from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from alertdrill.audit.compare import CountSource, compare_count, compare_ids

SENT = [f"run-{number:03}" for number in range(40)]
ids = st.sets(st.sampled_from(SENT))
times = st.dictionaries(st.sampled_from(SENT), st.integers(2, 5))


@given(lost=ids, duplicated=times, unexpected=st.sets(st.sampled_from(["run-900", "run-901"])))
def test_each_missing_duplicated_and_unexpected_id_is_listed(
    lost: set[str], duplicated: dict[str, int], unexpected: set[str]
) -> None:
    seen = Counter(SENT) + Counter({id_: count - 1 for id_, count in duplicated.items()})
    seen = Counter({id_: count for id_, count in seen.items() if id_ not in lost})
    source = compare_ids("files", SENT, seen + Counter(unexpected))
    assert set(source.missing) == lost
    assert source.duplicated == {
        id_: duplicated[id_] for id_ in sorted(duplicated) if id_ not in lost
    }
    assert set(source.unexpected) == unexpected
    assert source.exact is not bool(lost or set(duplicated) - lost or unexpected)


@given(retries=st.dictionaries(st.sampled_from(SENT), st.integers(1, 3)), seen=times)
def test_retry_explains_duplicates_of_its_own_request_only(
    retries: dict[str, int], seen: dict[str, int]
) -> None:
    source = compare_ids("files", SENT, {**dict.fromkeys(SENT, 1), **seen}, retries)
    assert set(source.duplicated) == {id_ for id_ in seen if seen[id_] - 1 > retries.get(id_, 0)}
    assert source.exact is not bool(source.duplicated)


def test_retry_does_not_explain_a_missing_request() -> None:
    source = compare_ids("files", SENT, Counter(SENT[1:]), {SENT[0]: 2})
    assert source.missing == [SENT[0]]


def test_missing_and_duplicated_requests_do_not_cancel_out() -> None:
    source = compare_ids("files", SENT, Counter([*SENT[1:], SENT[1]]))
    assert source.difference == 0
    assert not source.exact


def test_count_may_exceed_the_requests_by_the_retries() -> None:
    assert compare_count("web", 40, 42, retries=2) == CountSource("web", 40, 42, retried=2)
    assert compare_count("web", 40, 40, retries=2).exact
    assert compare_count("web", 40, 43, retries=2).difference == 1
    assert compare_count("web", 40, 39, retries=2).difference == -1
