"""The dashboards as code; nothing here is needed at run time."""
