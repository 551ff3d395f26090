"""The road: all that touches the world."""
