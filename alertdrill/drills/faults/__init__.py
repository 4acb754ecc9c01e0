"""The faults that a drill can inject. `registry` has the list of them."""
