"""Advice about a risk, and the ranked lists."""
