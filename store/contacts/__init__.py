"""Contact plans, their outcomes and measured effects."""
