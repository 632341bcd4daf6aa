"""Local stand-ins for the clouds' APIs, spoken to by the real SDK clients over HTTP."""
