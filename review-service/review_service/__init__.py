"""review-service: what patients say about their visits, and what it makes of a doctor's rating."""
