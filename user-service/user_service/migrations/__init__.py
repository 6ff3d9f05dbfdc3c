"""Numbered changes of user-service's stored documents. Indexes are declared in store.py."""
