"""The native runtime: processes under supervisord, for machines without a Docker engine."""
