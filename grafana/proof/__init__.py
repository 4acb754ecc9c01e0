"""Proof without eyes: every query of every dashboard is asked as Grafana would ask it."""
