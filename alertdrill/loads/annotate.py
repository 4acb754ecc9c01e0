"""Leave a note in Grafana, where it runs, of when a load was there and how it went."""

from __future__ import annotations

from ..annotations import Annotation, post_annotation
from ..runtimes import Runtime
from .report import Report


def annotate(runtime: Runtime, report: Report) -> bool:
    """Leave the note and return True; without a Grafana that runs, return False.

    Raises `AnnotationError`, or the engine's error, where Grafana does not take it.
    """
    tags = ["load", report.profile.name]
    return post_annotation(
        runtime, Annotation(report.began, report.ended, tags, annotation_text(report))
    )


def annotation_text(report: Report) -> str:
    """Return what the note says."""
    missed = [check.name for check in report.gates if not check.passed]
    verdict = f"missed: {', '.join(missed)}" if missed else "passed"
    return f"Load {report.profile.name}, {report.users} clients at most: {verdict}."
