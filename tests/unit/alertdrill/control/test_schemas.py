import pytest

from alertdrill.control import schemas
from alertdrill.control.errors import Problem


@pytest.mark.parametrize(
    ("body", "seconds"),
    [(b"", None), (b"{}", None), (b'{"grace_period": null}', None), (b'{"grace_period": 0}', 0.0)],
)
def test_grace_is_optional(body: bytes, seconds: float | None) -> None:
    assert schemas.grace(body) == seconds


@pytest.mark.parametrize("value", ["-1", "60.1", "NaN", "Infinity", "1e999", "true", '"5"', "[]"])
def test_grace_out_of_range_is_refused(value: str) -> None:
    with pytest.raises(Problem, match="0 to 60 seconds"):
        schemas.grace(f'{{"grace_period": {value}}}'.encode())


@pytest.mark.parametrize("value", ["2.5", "true", '"3"', "null", "[3]"])
def test_instances_must_be_an_integer(value: str) -> None:
    with pytest.raises(Problem, match="must be an integer"):
        schemas.instances(f'{{"instances": {value}}}'.encode())
    with pytest.raises(Problem, match="must be an integer"):
        schemas.instances(b"")


@pytest.mark.parametrize(
    "body", [b"no", b"[1]", b'"x"', b'{"grace_period": 1, "more": 2}', b"\xff"]
)
def test_other_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(Problem) as error:
        schemas.grace(body)
    assert error.value.status == 400


def test_deeply_nested_body_is_refused() -> None:
    with pytest.raises(Problem, match="not valid JSON"):
        schemas.grace(b"[" * 100_000)


@pytest.mark.parametrize("header", [None, "", "  ", "x" * 201, "a\x00b"])
def test_invalid_key_is_refused(header: str | None) -> None:
    with pytest.raises(Problem, match="Idempotency-Key must have 1 to 200"):
        schemas.key(header)


def test_key_is_stripped() -> None:
    assert schemas.key(" restart-7 ") == "restart-7"
