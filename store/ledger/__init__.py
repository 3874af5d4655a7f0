"""Ledger of model versions, shadow scores and tuned parameters."""
