"""Model card and plots of an evaluation."""
