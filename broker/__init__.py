"""A multi-cloud GPU capacity broker: one provably near-optimal plan for all workloads."""

__version__ = "0.1.0"
