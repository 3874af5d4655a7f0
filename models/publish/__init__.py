"""Model card and plots."""
