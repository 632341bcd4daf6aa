"""A multi-cloud GPU capacity broker: one provably near-optimal plan for all workloads.

From Python: ``broker.plan("spec.yaml")``. What `__all__` names is loaded when it is first used, so
that ``import broker`` alone imports next to nothing.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.api import (
        explain,
        list_offers,
        load_spec,
        plan,
        price_rules,
        read_market,
        round_trip,
    )
    from broker.errors import BrokerError, MarketError, SpecError
    from broker.explanations import Explanation
    from broker.latency import RoundTrip
    from broker.market import Market
    from broker.plan_file import plan_to_json, read_plan
    from broker.plans import Cost, Placement, Plan, Route, Unmet
    from broker.rule_prices import RulePrices
    from broker.workloads import Spec

__version__ = "0.1.0"

__all__ = [
    "BrokerError",
    "Cost",
    "Explanation",
    "Market",
    "MarketError",
    "Placement",
    "Plan",
    "RoundTrip",
    "Route",
    "RulePrices",
    "Spec",
    "SpecError",
    "Unmet",
    "explain",
    "list_offers",
    "load_spec",
    "plan",
    "plan_to_json",
    "price_rules",
    "read_market",
    "read_plan",
    "round_trip",
]

_HOMES = {
    "broker.api": (
        "explain",
        "list_offers",
        "load_spec",
        "plan",
        "price_rules",
        "read_market",
        "round_trip",
    ),
    "broker.errors": ("BrokerError", "MarketError", "SpecError"),
    "broker.explanations": ("Explanation",),
    "broker.latency": ("RoundTrip",),
    "broker.market": ("Market",),
    "broker.plan_file": ("plan_to_json", "read_plan"),
    "broker.plans": ("Cost", "Placement", "Plan", "Route", "Unmet"),
    "broker.rule_prices": ("RulePrices",),
    "broker.workloads": ("Spec",),
}


def __getattr__(name: str) -> object:
    """Return the public name `name`, importing the module it stands in."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module 'broker' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return [*__all__, "__version__"]
