"""The services that a request of this run goes through; others serve their own meanwhile."""

CHAIN = ("web", "data-service")
