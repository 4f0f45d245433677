"""What becomes of what was read: records land, are compared with what is held, and lead to deliveries."""
