"""Check a service against the contract of an instrumented service, on instances of its own."""
