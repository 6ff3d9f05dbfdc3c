"""Numbered changes of review-service's stored documents. Indexes are declared in store.py."""
