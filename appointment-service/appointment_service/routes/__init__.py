"""appointment-service's routes: parse, call, render."""
