"""CHART: sketches of all partitions in, the live topics with their history out."""
