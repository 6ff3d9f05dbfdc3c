"""`make seed`: a clinic group that looks like one, planned here and taken by each service (docs/seed-data.md)."""
