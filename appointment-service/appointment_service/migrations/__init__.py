"""Numbered changes of appointment-service's stored documents. Indexes are declared in store.py."""
