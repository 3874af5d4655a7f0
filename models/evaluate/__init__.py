"""Evaluation on held-out rows: metrics, intervals, baselines, slices, reports."""
