"""The sample services and the instrumentation library."""
