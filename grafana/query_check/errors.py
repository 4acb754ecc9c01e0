"""Errors of the query check."""


class QueryCheckError(Exception):
    """A dashboard cannot be checked; the message says why and what to do."""


class UnavailableError(QueryCheckError):
    """A data source does not answer."""


class RejectedError(QueryCheckError):
    """A data source rejected a query; the message is its own."""
