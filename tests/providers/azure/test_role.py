"""The role on the page grants what a refresh needs, and nothing that it does not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from broker.provider import Scope
from providers.emulation.azure import AzureSite
from providers.emulation.faults import Fault, Trouble
from tests.providers.azure.worlds import fetched_from, served, small_world

PAGE = (Path(__file__).parents[3] / "docs" / "providers" / "azure.md").read_text()
#: Granted for the tenant, by roles of their own.
TENANT = {
    "Microsoft.Capacity/reservations/read",
    "Microsoft.BillingBenefits/savingsPlans/read",
}


def needed(monkeypatch: pytest.MonkeyPatch, *operations: str) -> set[str]:
    """Return the actions that the remedies name when these operations are refused."""
    world = small_world()
    group = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute"
    world.groups = [{"id": f"{group}/capacityReservationGroups/x", "properties": {}}]
    world.reservations = {f"{group}/capacityReservationGroups/x".casefold(): []}
    faults = [
        Fault(
            trouble=Trouble.REFUSE,
            operation=operation,
            status=403,
            code="AuthorizationFailed",
            times=None,
        )
        for operation in operations
    ]
    with served(monkeypatch, AzureSite(world), faults=faults) as emulator:
        fetched = fetched_from(emulator, Scope(signals=True, regions=("eastus",)))
    remedies = [one.fault.remedy for one in fetched if one.fault]
    return {remedy.rpartition(" ")[2] for remedy in remedies}


def test_the_page_grants_every_action_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each operation refused by itself names its action; together they are the role."""
    lists = needed(
        monkeypatch,
        *("ListSkus", "ListUsages", "ListReservationGroups", "ListReservedInstances"),
        *("ListSavingsPlans", "ListMachines", "QueryResources", "ScoreSpotPlacement"),
    )
    later = needed(monkeypatch, "ListReservations", "ListScaleSets")
    regions = needed(monkeypatch, "ListLocations")
    role = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
    granted = set(role["Actions"])
    assert lists | later | regions | {"Microsoft.Resources/subscriptions/read"} == (
        granted | TENANT
    )
    assert all(action in PAGE for action in TENANT)


def test_the_role_cannot_change_anything() -> None:
    """Every action reads, but for the query that Azure words as an action."""
    role = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
    others = [action for action in role["Actions"] if not action.endswith("/read")]
    assert others == ["Microsoft.Compute/locations/placementScores/generate/action"]
    assert role["NotActions"] == role["DataActions"] == []
