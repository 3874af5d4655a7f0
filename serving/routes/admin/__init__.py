"""Admin routes: keys, inbox, webhooks."""
