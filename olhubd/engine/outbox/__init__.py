"""What is to be delivered to targets, and how it is carried out: one handler an action, one rule for all of
them."""
