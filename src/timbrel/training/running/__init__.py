"""The loop around the steps: any device, and bit-identical after a kill."""
