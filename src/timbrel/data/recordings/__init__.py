"""Anybody's recordings as a note set."""
