"""Starts the parts (web server, checker, demo) together and stops them cleanly."""
