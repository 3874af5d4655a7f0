"""Learning algorithms and what computes their predictions."""
