"""The audit: each request is counted once by every party, whatever is restarted."""
