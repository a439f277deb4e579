"""Note sets in NSynth's layout: read, fetched, measured and shown."""
