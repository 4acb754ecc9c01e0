import json
from pathlib import Path
from random import Random

import pytest
from jsonschema import Draft202012Validator

from alertdrill.audit.client import AuditError
from alertdrill.audit.hostile.inputs import HALF_CLOSES, Input, Values, operations, read_inputs
from alertdrill.config import ROOT

SCHEMA = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "kind": {"enum": ["a", "b"]}},
    },
}


def test_file_of_inputs_keeps_every_byte(tmp_path: Path) -> None:
    items = [Input(7, "garbage", bytes(range(256)), end=HALF_CLOSES), Input(8, "x", b"", ("GET",))]
    file = tmp_path / "inputs.jsonl"
    file.write_text("".join(f"{item.to_json()}\n" for item in items))
    assert read_inputs(file) == items


def test_other_file_is_refused_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("{}")
    with pytest.raises(AuditError, match=r"report\.json"):
        read_inputs(file)


def test_references_of_schemas_are_resolved() -> None:
    document = {
        "paths": {
            "/a": {
                "summary": "no method",
                "get": {},
                "post": {
                    "requestBody": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/A"}}}
                    }
                },
            }
        },
        "components": {"A": {"items": {"$ref": "#/components/B"}}, "B": {"$ref": "#/components/B"}},
    }
    get, post = operations(document)
    assert (get.method, get.path, get.schema) == ("GET", "/a", None)
    assert (post.method, post.schema) == ("POST", {"items": {}})


def test_values_without_mistakes_are_valid() -> None:
    validator = Draft202012Validator(SCHEMA)
    values = [Values(Random(seed), wrong=0).of(SCHEMA) for seed in range(300)]
    assert all(map(validator.is_valid, values))
    assert {item["kind"] for value in values for item in value if "kind" in item} == {"a", "b"}


def test_values_with_mistakes_are_invalid_now_and_then() -> None:
    validator = Draft202012Validator(SCHEMA)
    valid = [validator.is_valid(Values(Random(seed), wrong=0.3).of(SCHEMA)) for seed in range(300)]
    assert set(valid) == {True, False}


def test_schemas_of_the_services_use_what_is_generated() -> None:
    supported = {"type", "items", "minItems", "required", "properties", "anyOf", "maxProperties"}

    def keywords(schema: object) -> set[str]:
        if isinstance(schema, list):
            return set().union(*map(keywords, schema))
        if not isinstance(schema, dict):
            return set()
        inner = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("anyOf")]
        return {*schema}.union(*map(keywords, inner))

    for file in ROOT.glob("apps/*/openapi.json"):
        for item in operations(json.loads(file.read_text())):
            assert keywords(item.schema) <= supported
