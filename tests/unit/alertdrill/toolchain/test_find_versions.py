import json
from pathlib import Path

import pytest

from alertdrill.toolchain.find import VersionCache, parse_version
from alertdrill.toolchain.programs import format_version


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("prometheus, version 3.5.3+ds1 (branch: debian/sid, revision: 3.5.3+ds1-6)", (3, 5, 3)),
        ("HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/", (2, 6, 12)),
        ("otelcol-contrib version v0.120.0", (0, 120, 0)),
        ("Version 11.2.0 (commit: 2a88694, branch: HEAD)", (11, 2, 0)),
        ("a program without a version", None),
    ],
)
def test_version_is_parsed_from_the_output(output: str, version: tuple[int, ...] | None) -> None:
    assert parse_version(output) == version


def test_version_is_formatted_with_dots() -> None:
    assert format_version((3, 5)) == "3.5"


def _program(path: Path, version: str) -> Path:
    path.write_text(
        f'#!/bin/sh\necho called >>"{path}.log"\necho "{path.name} version {version}"\n'
    )
    path.chmod(0o755)
    return path


def test_cached_program_is_not_called_again(tmp_path: Path) -> None:
    program = _program(tmp_path / "loki", "3.4.1")
    for _ in range(2):
        cache = VersionCache(tmp_path / "cache" / "versions.json")
        assert cache.version(program, "--version", {}) == (3, 4, 1)
        cache.save()
    assert (tmp_path / "loki.log").read_text().count("called") == 1


def test_replaced_program_is_called_again(tmp_path: Path) -> None:
    cache = VersionCache(tmp_path / "versions.json")
    cache.version(_program(tmp_path / "loki", "3.4.1"), "--version", {})
    assert cache.version(_program(tmp_path / "loki", "3.10.12"), "--version", {}) == (3, 10, 12)


@pytest.mark.parametrize("content", ["{truncated", json.dumps([1]), json.dumps({"/x": 3})])
def test_damaged_cache_file_is_ignored(tmp_path: Path, content: str) -> None:
    (tmp_path / "versions.json").write_text(content)
    cache = VersionCache(tmp_path / "versions.json")
    assert cache.version(_program(tmp_path / "loki", "3.4.1"), "--version", {}) == (3, 4, 1)


def test_program_that_fails_has_no_version(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a program")
    assert VersionCache(tmp_path / "b.json").version(tmp_path / "text", "-v", {}) is None
