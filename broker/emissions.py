"""What a finished plan emits, in exact numbers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from broker.carbon import kg_per_hour
from broker.energy import instance_kw
from broker.plans import Emissions, Placement
from broker.rules.rule import Scene
from broker.units import round_nano


def emissions(scene: Scene, placed: Sequence[Placement]) -> Emissions | None:
    """Return the energy and emissions of `placed`; None without `policy.carbon`."""
    if scene.spec.policy.carbon is None:
        return None
    offers = scene.stock.named(one.offer for one in placed)
    kwh = kg = Decimal(0)
    for one in placed:
        offer = offers[one.offer]
        kwh += one.instance_hours * (instance_kw(offer, scene.spec.assume) or Decimal(0))
        kg += one.instance_hours * (kg_per_hour(offer, scene.spec) or Decimal(0))
    return Emissions(kwh=round_nano(kwh), kg_co2e=round_nano(kg))
