"""Check that each query of each dashboard returns data, as Grafana would send it."""
