"""Routes for administrators: keys, inbox, webhooks."""
