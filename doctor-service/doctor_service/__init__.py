"""doctor-service: who the doctors are, when they work, and who follows them."""
