"""Make and move the third-party images of `docker-compose.yml` on hosts without a registry."""
