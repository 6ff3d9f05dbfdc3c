"""Numbered changes of doctor-service's stored documents. Indexes are declared in store.py."""
