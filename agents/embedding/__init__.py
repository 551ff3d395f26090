"""EMBED: from bytes that somebody sent to a clean comment with its vector."""
