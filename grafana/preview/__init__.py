"""Pictures of the dashboards, of the answers that the proof judges: not what Grafana would draw."""
