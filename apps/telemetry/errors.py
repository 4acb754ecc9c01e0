"""What can go wrong in the instrumentation library."""


class TelemetryError(Exception):
    """Root of every error that this package raises by itself."""


class SettingsError(TelemetryError):
    """A setting in the environment has a value that is not accepted."""


class FaultError(TelemetryError):
    """A fault was asked for that does not exist, or with parameters out of range."""
