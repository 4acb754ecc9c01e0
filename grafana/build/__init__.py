"""Write the dashboards' JSON."""
