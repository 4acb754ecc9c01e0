"""What the proof explains in one sentence."""


class ProofError(Exception):
    """Something that keeps a dashboard from being asked; its text says what, and the way out."""


class AwayError(ProofError):
    """A data source does not answer at all."""


class RefusedError(ProofError):
    """A data source refuses a query; the text is its own."""
