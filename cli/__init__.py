"""The command `tqs`."""
