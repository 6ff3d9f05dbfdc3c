"""Appointments: which times are offered, who holds them, and what became of them."""
