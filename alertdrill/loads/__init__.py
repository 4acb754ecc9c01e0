"""Loads with gates: what a shape promises, held against what Locust and Prometheus counted."""
