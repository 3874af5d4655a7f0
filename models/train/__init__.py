"""Training: folds, fitting, tuning, leak checks, backtest."""
