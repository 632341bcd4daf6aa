"""Off-line builder of the shipped latency tables."""
