"""The Rails app: event API, outgoing webhooks, signatures."""
