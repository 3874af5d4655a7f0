"""Drift of what the models read; every check ends in a decision. Nothing is sent from here."""
