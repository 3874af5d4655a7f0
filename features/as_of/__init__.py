"""Queries of a history as of a moment, and priors."""
