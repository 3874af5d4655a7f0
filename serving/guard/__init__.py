"""Request guard: authentication, permissions, rate limits, audit."""
