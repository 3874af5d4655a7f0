"""Prefect flows: each loads, makes one pure call and saves. A flow is a sweep that can be run again at any time."""
