"""scheduler-service: jobs on time, and the mail that tells people."""
