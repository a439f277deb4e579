"""What the `preset` family is trained for, and what its models ship beside their weights."""
