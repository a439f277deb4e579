"""Phrase sets: recordings of one instrument, and the melodies heard in them."""
