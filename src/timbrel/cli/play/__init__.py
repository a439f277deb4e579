"""Sounds and songs: from what a user named to files of audio and their pictures."""
