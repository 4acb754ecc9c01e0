"""The audit: every source counts each request once, also across restarts."""
