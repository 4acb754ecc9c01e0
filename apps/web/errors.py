"""What can go wrong between `web` and the services that it asks."""


class WebError(Exception):
    """Root of every error that this package raises by itself."""


class BreakerOpenError(WebError):
    """The peer failed too often just now, so it is not asked; try again in `seconds`."""

    def __init__(self, peer: str, seconds: float) -> None:
        super().__init__(f"{peer} is failing and gets no requests for {seconds:.0f} s.")
        self.seconds = seconds
