"""Shapes of doctor-service's requests and answers, a room for each kind of thing."""
