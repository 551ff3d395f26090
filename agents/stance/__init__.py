"""JUDGE: from a comment that is about a target to the side that it takes, how surely, or neither."""
