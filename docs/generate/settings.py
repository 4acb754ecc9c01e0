"""The settings: of the stack from `.env.example`, of single programs from `variables.yml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .errors import GenerateError
from .find_variables import constant, variables
from .markdown import ROOT, code, codes, document, link, table

VARIABLES = Path(__file__).with_name("variables.yml")
REQUIRED = "required"


@dataclass(frozen=True)
class Setting:
    """A line of `.env.example`."""

    name: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Section:
    """Settings of `.env.example` below one heading."""

    title: str
    settings: Sequence[Setting]


def page() -> str:
    """Return the page."""
    return document(
        "Settings",
        f"You set these in `.env`: copy {link('.env.example', '.env.example')} and change what you"
        " need. A variable of the same name in the environment takes precedence. A value that is"
        " not accepted ends the command with a message that names its line, the variable and the"
        " values that it takes. The settings of a service are in `apps/services.yml`.",
        *_stack(),
        "## Variables of single programs",
        "The runtime sets these for the programs that it starts. Set them yourself to run one"
        " program alone:",
        "    SERVICE=web PORT=5000 .venv/bin/gunicorn -c python:alertdrill_telemetry.gunicorn_conf"
        ' "apps.web:create_app()"',
        "Without containers, an instance sees these variables and PATH, HOME, LANG, LC_ALL,"
        " TMPDIR, TZ and USER of your environment, nothing else. A service has its own variables in"
        " `env` of its entry ([add a service](../how-to/add-a-service.md)); it also gets"
        " `INTERNAL_URL`, the load balancer's internal frontend.",
        *_programs(),
    )


def _stack() -> Iterator[str]:
    for section in sections((ROOT / ".env.example").read_text(encoding="utf-8")):
        yield f"## {section.title}"
        yield table(
            ("Variable", "Default", "Meaning"),
            (
                (code(setting.name), code(setting.default) or "empty", setting.meaning)
                for setting in section.settings
            ),
        )


def sections(example: str) -> Sequence[Section]:
    """Return what a `.env.example` holds.

    A paragraph of comments alone is a heading; comments above a setting are its meaning. The
    first paragraph is about the file.
    """
    result: list[Section] = []
    for paragraph in example.split("\n\n")[1:]:
        lines = paragraph.strip().splitlines()
        if all(line.startswith("#") for line in lines):
            result.append(Section(_comment(lines), []))
            continue
        meaning: list[str] = []
        for line in lines:
            if line.startswith("#"):
                meaning.append(line)
                continue
            name, _, default = line.partition("=")
            settings = [*result[-1].settings, Setting(name, default, _comment(meaning))]
            result[-1] = Section(result[-1].title, settings)
            meaning = []
    return result


def _comment(lines: Sequence[str]) -> str:
    return " ".join(line.removeprefix("#").strip() for line in lines)


def documented() -> set[str]:
    """Return every variable that `variables.yml` describes."""
    return {name for program in _data() for names in program["variables"] for name in names.split()}


def _data() -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = yaml.safe_load(VARIABLES.read_text(encoding="utf-8"))
    return data


def _programs() -> Iterator[str]:
    for program in _data():
        yield f"### {program['title']}"
        files = program.get("read_by", [])
        about = [f"Read by {' and '.join(map(code, files))}."] if files else []
        if about or "about" in program:
            yield " ".join([*about, *filter(None, [program.get("about")])])
        yield _variables_of(program, [ROOT / file for file in files])


def _variables_of(program: Mapping[str, Any], files: Sequence[Path]) -> str:
    defaults = _defaults(files)
    in_configurations = not any("accepts" in entry for entry in program["variables"].values())
    rows = []
    for names, entry in program["variables"].items():
        default = _default(names, entry, defaults)
        takes = codes(entry["read_by"]) if in_configurations else entry["accepts"]
        rows.append([codes(names.split()), default, takes, entry["meaning"]])
    third = "Read by" if in_configurations else "Accepts"
    return table(("Variable", "Default", third, "Meaning"), rows)


def _defaults(files: Sequence[Path]) -> Mapping[str, str]:
    read = {name: constant(default) for name, default in variables(files)}
    return {name: default for name, default in read.items() if default is not None}


def _default(names: str, entry: Mapping[str, Any], defaults: Mapping[str, str]) -> str:
    written, read = entry.get("default"), defaults.get(names)
    if read and written is not None:
        raise GenerateError(f"{VARIABLES.name}: remove the default of {names}; the code has one.")
    if written is not None:
        return str(written)
    return REQUIRED if read is None else code(read) or "empty"
