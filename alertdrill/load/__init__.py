"""Load runs with gates: objectives checked against the counts of Locust and Prometheus."""
