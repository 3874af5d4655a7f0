"""Domain vocabulary and rules; imports only the standard library and pydantic."""
