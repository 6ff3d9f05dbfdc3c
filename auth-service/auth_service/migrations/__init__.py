"""Numbered changes of auth-service's stored documents. Indexes are declared in store.py."""
