"""``python -m chassis.dead_letters``: what operators do with the messages that a service could not handle."""
