"""Errors in the records of a request."""


class DataServiceError(Exception):
    """Base class of the errors of this package."""


class InvalidRecordsError(DataServiceError):
    """The body is JSON, but contains no valid records. `field` names the field."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field
        self.detail = detail


class MalformedJsonError(DataServiceError):
    """The body is not JSON."""
