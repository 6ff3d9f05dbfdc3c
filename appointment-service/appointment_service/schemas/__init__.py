"""Shapes of appointment-service's requests and answers."""
