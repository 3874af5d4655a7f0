"""The vocabulary and the rules: standard library and pydantic only."""
