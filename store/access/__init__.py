"""API keys, audit log and rate-limit counters."""
