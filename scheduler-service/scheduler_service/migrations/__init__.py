"""Numbered changes of scheduler-service's stored documents. Indexes are declared in store.py."""
