"""Prefect flows: each loads, makes one pure call and saves, and can be repeated at any time."""
