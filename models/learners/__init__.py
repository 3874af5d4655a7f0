"""Learning algorithms and the computation of their predictions."""
