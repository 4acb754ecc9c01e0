"""The audit: each request is counted once by every source, whatever is restarted."""
