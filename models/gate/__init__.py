"""The promotion gate: checks, champion against challenger, decision."""
