"""Alerts: from what changed about incidents to messages that reach the right people once."""
