"""The demo: `make demo` and `tqs demo`."""
