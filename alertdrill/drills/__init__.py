"""Drills inject a fault and verify that the alert fires, is delivered, healed and cleared."""

from .errors import DrillError, InvalidDrillError
from .loader import Catalogue, load_all
from .result import DrillResult, Report

__all__ = ["Catalogue", "DrillError", "DrillResult", "InvalidDrillError", "Report", "load_all"]
