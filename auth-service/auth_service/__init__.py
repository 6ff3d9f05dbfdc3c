"""auth-service: who may sign in, on which devices, and with what."""
