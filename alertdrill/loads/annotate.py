"""Annotate a load and its result in Grafana."""

from __future__ import annotations

from ..annotations import Annotation, post_annotation
from ..runtimes import Runtime
from .report import Report


def annotate(runtime: Runtime, report: Report) -> bool:
    """Post the annotation; return False if Grafana does not run.

    Raises `AnnotationError`, or the engine's error, if Grafana refuses it.
    """
    tags = ["load", report.profile.name]
    return post_annotation(
        runtime, Annotation(report.began, report.ended, tags, annotation_text(report))
    )


def annotation_text(report: Report) -> str:
    """Return the annotation's text."""
    missed = [gate.name for gate in report.gates if not gate.passed]
    verdict = f"missed: {', '.join(missed)}" if missed else "passed"
    return f"Load {report.profile.name}, {report.users} clients at most: {verdict}."
