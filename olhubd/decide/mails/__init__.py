"""Mails to buyers: at which occasions, whom they would double, and what they say. Pure."""
