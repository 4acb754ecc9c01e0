"""Drills: break something for real, and see the alert fire, arrive, be acted on and clear."""

from .errors import DrillError, InvalidDrillError
from .outcome import Outcome, Report
from .read import Catalogue, read_all

__all__ = ["Catalogue", "DrillError", "InvalidDrillError", "Outcome", "Report", "read_all"]
