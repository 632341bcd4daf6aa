"""Adapters, one per cloud; found by entry point, never imported by the broker."""
