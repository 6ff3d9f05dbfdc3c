"""gateway: the suite's one door. It verifies tokens and hands each request to the service that owns its route."""
