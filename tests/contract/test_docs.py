"""Every path, link and command that the documents name exists."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from alertdrill.cli.app import COMMANDS

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = sorted(
    file
    for pattern in ("*.md", "docs/**/*.md", "alerting/runbooks/*.md")
    for file in ROOT.glob(pattern)
)
# Created by a run or an installation, so a fresh clone does not have them.
GENERATED = ("secrets", ".env", ".venv", "var")
SUFFIXES = (
    ".cfg",
    ".example",
    ".in",
    ".ini",
    ".json",
    ".md",
    ".py",
    ".sh",
    ".toml",
    ".txt",
    ".yml",
)
# A command is at the start of a line or after another command; variables may precede it.
COMMAND = r"(?:^|[;&|])\s*(?:\w+=\S+ +)*"
MAKE = re.compile(rf"{COMMAND}make +([a-z][\w-]*)", re.MULTILINE)
ALERTDRILL = re.compile(rf"{COMMAND}(?:\S*python3? -m )?alertdrill +([a-z][\w-]*)", re.MULTILINE)
# A limit of the design: a list that a person can remember.
MAX_VERBS = 14


def tokens(document: Path) -> Iterator[Token]:
    for block in (
        MarkdownIt("commonmark").enable("table").parse(document.read_text(encoding="utf-8"))
    ):
        yield block
        yield from block.children or ()


def code(document: Path) -> list[str]:
    """Return every piece of code: in the text, fenced and indented."""
    kinds = ("code_inline", "fence", "code_block")
    return [token.content for token in tokens(document) if token.type in kinds]


def paths(document: Path) -> set[str]:
    words = (word for piece in code(document) for word in re.split(r"[\s'\"=,;()|]+", piece))
    return {word.rstrip(".:") for word in words if is_path(word.rstrip(".:"))}


def is_path(word: str) -> bool:
    """Tell whether a word of code is a path of this repository.

    It is one if it begins with one of our folders, or ends as files and folders do.
    """
    first, slash, _ = word.partition("/")
    outside = (*GENERATED, "..")
    if not re.fullmatch(r"[\w.<][\w./<>*-]*", word) or first in outside:
        return False
    ends_like_one = Path(word).suffix in SUFFIXES or word.endswith("/")
    return ends_like_one or (bool(slash) and (ROOT / first).exists())


def exists(path: str) -> bool:
    """Tell whether a path exists; a bare file name may be anywhere. `<Alert>` is any name."""
    pattern = re.sub(r"<\w+>", "*", path).rstrip("/")
    if "/" in path:
        return any(ROOT.glob(pattern))
    # Not in generated folders, where a name may occur by chance.
    folders = (entry for entry in ROOT.iterdir() if entry.name.split("-")[0] not in GENERATED)
    return any(ROOT.glob(pattern)) or any(next(folder.rglob(pattern), None) for folder in folders)


def recipes() -> dict[str, list[str]]:
    """Return the recipe of each verb of the Makefile."""
    matches = re.findall(r"^([a-z][\w-]*):(?!=).*\n((?:\t.*\n)*)", makefile(), re.MULTILINE)
    return {verb: lines.splitlines() for verb, lines in matches}


def makefile() -> str:
    return (ROOT / "Makefile").read_text(encoding="utf-8")


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.fixture(params=DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def document(request: pytest.FixtureRequest) -> Path:
    file: Path = request.param
    return file


def test_required_documents_exist() -> None:
    expected = ["README.md", "CONTRIBUTING.md", "docs/explanation/architecture.md"]
    assert {ROOT / name for name in expected} <= set(DOCUMENTS)


def test_named_paths_exist(document: Path) -> None:
    named = paths(document) - to_be_written(document)
    assert {path for path in named if not exists(path)} == set()


def to_be_written(document: Path) -> set[str]:
    """Return the files that the reader of a document writes."""
    return set(re.findall(r"\bWrite\s+`([^`]+)`:$", document.read_text(encoding="utf-8"), re.M))


def test_relative_links_resolve(document: Path) -> None:
    hrefs = {str(token.attrGet("href")) for token in tokens(document) if token.type == "link_open"}
    assert {href for href in hrefs if not has_target(document, href)} == set()


def has_target(document: Path, href: str) -> bool:
    link = urlsplit(href)
    if link.scheme:
        return True
    target = document.parent / link.path if link.path else document
    return target.exists() and (not link.fragment or link.fragment in anchors(target))


def test_index_links_every_page() -> None:
    index = ROOT / "docs/README.md"
    hrefs = {str(token.attrGet("href")) for token in tokens(index) if token.type == "link_open"}
    pages = {str(page.relative_to(index.parent)) for page in index.parent.glob("*/*.md")}
    decisions = {page for page in pages if page.startswith("adr/0")}
    assert pages - decisions - hrefs == set()


def test_decisions_are_all_listed() -> None:
    listed = (ROOT / "docs/adr/README.md").read_text(encoding="utf-8")
    pages = [page.name for page in (ROOT / "docs/adr").glob("0*.md")]
    assert len(pages) >= 10
    assert [name for name in pages if f"({name})" not in listed] == []


def test_named_make_verbs_exist(document: Path) -> None:
    named = {verb for piece in code(document) for verb in MAKE.findall(piece)}
    assert named - recipes().keys() == set()


def test_named_alertdrill_commands_exist(document: Path) -> None:
    named = {name for piece in code(document) for name in ALERTDRILL.findall(piece)}
    assert named - COMMANDS.keys() == set()


def test_named_modules_exist(document: Path) -> None:
    named = {name for piece in code(document) for name in re.findall(r"python -m ([\w.]+)", piece)}
    assert {name for name in named if find_spec(name) is None} == set()


def test_readme_names_the_important_files() -> None:
    readme = code(ROOT / "README.md")
    assert {"up", "drill", "status"} <= {verb for piece in readme for verb in MAKE.findall(piece)}


# The most files that a reader can follow, by the flow's heading.
MAX_FILES = {
    "A request": 8,
    "From an alert to a restart": 15,
    "A drill": 20,
    "The start of the stack": 8,
}


@pytest.mark.parametrize("flow", MAX_FILES)
def test_flow_is_short_and_its_files_exist(flow: str) -> None:
    sections = (ROOT / "docs/explanation/flows.md").read_text(encoding="utf-8").split("\n## ")[1:]
    flows = {heading: steps for heading, _, steps in (part.partition("\n") for part in sections)}
    files = re.findall(r"^\d+\. `([^`]+)` ", flows[flow], re.MULTILINE)
    assert flows.keys() == MAX_FILES.keys()
    assert 8 <= len(files) <= MAX_FILES[flow]
    assert len(files) == len(set(files)) == len(re.findall(r"^\d+\. ", flows[flow], re.MULTILINE))
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_scaling_page_exists() -> None:
    page = code(ROOT / "docs/how-to/deploy.md")
    assert "scale" in {name for piece in page for name in ALERTDRILL.findall(piece)}


def test_ci_runs_the_same_verbs() -> None:
    scripts = [
        file for file in (ROOT / ".ci").rglob("*") if file.is_file() and file.suffix != ".pyc"
    ]
    texts = [file.read_text(encoding="utf-8") for file in scripts]
    verbs = {verb for text in texts for verb in MAKE.findall(text)}
    assert {"lint", "test", "drill"} <= verbs <= recipes().keys()


def test_make_has_few_short_verbs() -> None:
    assert len(recipes()) <= MAX_VERBS
    assert {verb for verb, lines in recipes().items() if len(lines) != 1} == set()


def test_make_help_prints_every_verb() -> None:
    # `make test` passes its own flags down, which would change what this one prints.
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    command = ["make", "-s", "-C", str(ROOT), "--no-print-directory", "help"]
    printed = subprocess.check_output(command, env=environment, text=True)
    shown = re.findall(r"^ *(?:make )?([a-z][\w-]*)\s{2,}\S", printed, re.MULTILINE)
    assert set(shown) == recipes().keys()


@pytest.mark.parametrize(
    "word", ["apps/web", "apps/nothing.py", "nowhere/", "nowhere/x.yml", "drills/<Alert>.yml"]
)
def test_paths_are_recognised(word: str) -> None:
    assert is_path(word)


@pytest.mark.parametrize(
    "word",
    ["/healthz", "application/problem+json", "127.0.0.1:8080", "var/native/logs", "0.5", "a"],
)
def test_other_text_is_not_a_path(word: str) -> None:
    assert not is_path(word)
