"""Synthesizer patches: found, changed, judged, and as files."""
