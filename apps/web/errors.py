"""Errors between `web` and the services that it calls."""


class WebError(Exception):
    """Base class of the errors of this package."""


class BreakerOpenError(WebError):
    """The peer failed too often, so it gets no calls. Retry in `seconds`."""

    def __init__(self, peer: str, seconds: float) -> None:
        super().__init__(f"{peer} is failing and gets no calls for {seconds:.0f} s.")
        self.seconds = seconds
