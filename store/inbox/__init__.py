"""Inbox of events: accept, lease, park and retry."""
