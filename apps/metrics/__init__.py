"""Counts, removal shares and response times."""
