"""What is wrong with the records of a request."""


class DataServiceError(Exception):
    """Root of every error that this package raises by itself."""


class InvalidRecordsError(DataServiceError):
    """The body is JSON, but not records; `field` says where."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field
        self.detail = detail


class MalformedJsonError(DataServiceError):
    """The body is not JSON."""
