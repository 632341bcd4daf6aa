"""Build the embedded market from collected price lists; see docs/market.md."""
