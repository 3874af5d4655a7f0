"""Explanation of a score: contributions, words, what-ifs."""
