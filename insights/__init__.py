"""Statistics people act on: how scores become a ranked list and what to do. No I/O."""
