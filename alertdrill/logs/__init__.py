"""Search log lines, in Loki or in the log files."""
