"""The rules of booking: they decide from values alone, and need no I/O, clock or randomness."""
