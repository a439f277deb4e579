"""To begin with: what there is, whether it works, and what it sounds like."""
