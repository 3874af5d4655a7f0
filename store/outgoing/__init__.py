"""Outgoing mail and webhooks, stored before they are sent."""
