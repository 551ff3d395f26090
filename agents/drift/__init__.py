"""How the discussion drifts: windows of event time, distances between them, detectors on those."""
