"""Developer-machine tooling: sets the checkout up, runs the suite and its tests. Never part of an image."""
