"""Generate the JSON of the dashboards."""
