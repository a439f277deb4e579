"""What the `ddsp` family is trained for, and on."""
