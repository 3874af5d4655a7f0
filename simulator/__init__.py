"""A marketplace with planted truth. Imported by the command line, the demo and tests only."""
