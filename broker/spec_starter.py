"""The commented spec to begin with."""

from __future__ import annotations

from importlib.resources import files


def starter_spec() -> str:
    """Return a spec that plans on the embedded market, with comments that explain it."""
    return files("broker").joinpath("data/starter.yaml").read_text(encoding="utf-8")
