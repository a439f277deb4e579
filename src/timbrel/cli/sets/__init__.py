"""Sets to train on: made, fetched and shown."""
