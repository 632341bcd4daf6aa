"""Sizes of requests: what part of a service's demand each is, and how fast a shape serves it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from broker.workloads import Load, Service, Shape

#: Digits to which shares are taken; they then add up to 1 exactly.
_DIGITS = Decimal("1e-9")


def shares_of(service: Service) -> dict[str, Decimal]:
    """Return size -> its share of every origin's rate, by name; empty without sizes.

    Shares are above 0 and add up to exactly 1.
    """
    stated = {size: share for size, share in sorted(service.sizes.items()) if share > 0}
    whole = sum(stated.values(), Decimal(0))
    shares = {size: (share / whole).quantize(_DIGITS) for size, share in stated.items()}
    if shares:
        largest = max(shares, key=lambda size: shares[size])
        shares[largest] += 1 - sum(shares.values(), Decimal(0))
    return {size: share for size, share in shares.items() if share > 0}


def stated_rates(service: Service, load: Load) -> dict[str, Decimal]:
    """Return size -> the rate an origin states of it; they add up to the origin's rate."""
    return {size: load.rate * share for size, share in shares_of(service).items()}


def throughput_by_size(service: Service, shape: Shape) -> dict[str, Decimal]:
    """Return size -> what one accelerator serves of it alone at speed 1.0; 0: it cannot."""
    rates = shape.throughput if shape.throughput is not None else service.throughput
    if isinstance(rates, Mapping):
        return {size: rates.get(size, Decimal(0)) for size in shares_of(service)}
    return dict.fromkeys(shares_of(service), rates or Decimal(0))


def usual_throughput(service: Service, shape: Shape) -> Decimal:
    """Return what one accelerator serves at speed 1.0.

    With sizes: of the stated mix of those it can serve, each taking its share of the time.
    """
    rates = shape.throughput if shape.throughput is not None else service.throughput
    if not isinstance(rates, Mapping):
        return rates or Decimal(0)
    able = {size: share for size, share in service.sizes.items() if rates.get(size)}
    time = sum((share / rates[size] for size, share in able.items()), Decimal(0))
    return sum(able.values(), Decimal(0)) / time if time else Decimal(0)


def share_served(service: Service, shape: Shape) -> Decimal:
    """Return the share of the demand whose sizes `shape` can serve; 1 without sizes."""
    if not service.sizes:
        return Decimal(1)
    shares = shares_of(service)
    rates = throughput_by_size(service, shape)
    return sum((shares[size] for size, rate in rates.items() if rate > 0), Decimal(0))
