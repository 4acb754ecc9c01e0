"""Errors of the instrumentation library."""


class TelemetryError(Exception):
    """Base class of the errors of this package."""


class SettingsError(TelemetryError):
    """A setting in the environment has an invalid value."""


class FaultError(TelemetryError):
    """A request names an unknown fault, or a parameter that is out of range."""
