"""Mails to buyers: what happens to orders becomes deliveries to mail accounts."""
