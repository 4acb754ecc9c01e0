"""Drills inject a fault and verify that the alert fires, is delivered, healed and cleared."""

from .errors import DrillError, InvalidDrillError
from .outcome import Outcome, Report
from .read import Catalogue, read_all

__all__ = ["Catalogue", "DrillError", "InvalidDrillError", "Outcome", "Report", "read_all"]
