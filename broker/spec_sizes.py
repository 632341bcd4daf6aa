"""What a service says of its throughput and of sizes of requests: does it fit together."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from broker.spec_faults import Here, listed, nearest, words
from broker.units import plain
from broker.workloads import Service

#: Shares that miss 100% by no more were rounded; they are scaled to add up to it.
ROUNDED: Final = Decimal("0.001")


def check_sizes(service: Service, here: Here) -> None:
    """Note sizes that do not add up, and shapes whose throughput does not speak of just them.

    Args:
        service: the faultless part of it.
        here: its place.
    """
    are_known = not here.at("sizes").is_faulty
    if are_known:
        _check_shares(service, here.at("sizes"))
    stated = [(here.at("throughput"), service.throughput)]
    stated += [
        (here.at("shapes", index, "throughput"), shape.throughput)
        for index, shape in enumerate(service.shapes)
    ]
    is_whole = not any(place.is_faulty for place, _ in stated)
    if (
        is_whole
        and service.throughput is None
        and any(one.throughput is None for one in service.shapes)
    ):
        remedy = "add `throughput:` to the service, or to each of its shapes"
        found = words("no `throughput`")
        here.at("throughput").fault(found, expected="what one accelerator serves", remedy=remedy)
    for place, rates in stated:
        if isinstance(rates, Mapping) and are_known:
            _check_rates(service, rates, place)
    if is_whole and not here.is_faulty:
        _check_served(service, here.at("sizes"))


def _check_shares(service: Service, here: Here) -> None:
    whole = sum(service.sizes.values(), Decimal(0))
    if service.sizes and abs(whole - 1) > ROUNDED:
        found = words(f"{plain(whole * 100)}% in all")
        here.fault(found, expected="shares of the demand that add up to 100%")


def _check_rates(service: Service, rates: Mapping[str, Decimal], here: Here) -> None:
    if not service.sizes:
        remedy = "add `sizes:` with the share of each, or write one number"
        found = words("throughput by size without `sizes`")
        here.fault(found, expected="both or neither", remedy=remedy)
        return
    strangers = [size for size in rates if size not in service.sizes]
    for size in strangers:
        expected = f"a size of `sizes`: {listed(service.sizes)}"
        here.at(size).fault(size, expected=expected, remedy=nearest(size, service.sizes))
    missing = [size for size in service.sizes if size not in rates]
    if missing and len(missing) > len(strangers):
        remedy = f"add e.g. `{missing[0]}: 0` if it cannot serve them"
        found = words(f"no throughput for {listed(missing)}")
        place = here if not strangers else here.at(missing[0])
        place.fault(found, expected="a number for each size", remedy=remedy)


def _check_served(service: Service, here: Here) -> None:
    """Note sizes that no shape serves at all."""
    stated = [
        one.throughput if one.throughput is not None else service.throughput
        for one in service.shapes
    ]
    for size, share in service.sizes.items():
        rates = [one.get(size) if isinstance(one, Mapping) else one for one in stated]
        if share > 0 and not any(rates):
            remedy = "give one of them a number above 0, or leave the size out"
            found = words(f"`{size}`, which no shape serves")
            here.at(size).fault(found, expected="a shape for every size", remedy=remedy)
