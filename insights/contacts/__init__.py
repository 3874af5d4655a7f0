"""Contacts: the plan with its holdout, and the measured effect."""
