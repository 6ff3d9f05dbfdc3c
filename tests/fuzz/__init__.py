"""Schemathesis over the suite's whole document, through the gateway, with every check."""
