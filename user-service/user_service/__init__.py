"""user-service: who the people are, how an account ends, and who cares for whom."""
