"""ASSIGN: from a comment with its vector to its micro-cluster, and the summaries of ticks."""
