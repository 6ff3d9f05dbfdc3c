"""Figures: each measured as a ratio, in one run, against what stands beside it. ``make bench`` runs them all."""
