"""Draw pictures of the dashboards from the results of their queries, without Grafana."""
