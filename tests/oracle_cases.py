"""Small cases for the slow planner: offers, workloads and rules, and the files that say them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from math import sqrt

PERIOD_H = 100
USD_PER_GB = 0.08
#: What one instance carries of a service.
CARRIED = 80
SPOT_D_H, SPOT_R_H = 0.1, 0.2
RTT_MS = {
    ("paris", "aws/us-east-1"): 85, ("paris", "azure/westeurope"): 12,
    ("paris", "gcp/europe-west4"): 13, ("new-york", "aws/us-east-1"): 8,
    ("new-york", "azure/westeurope"): 84, ("new-york", "gcp/europe-west4"): 85,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Something that can be held: eight H100 each; `losses` None: not spot."""

    provider: str
    region: str
    zone: str
    usd_per_hour: float
    available: int
    losses: float | None = None
    owned: bool = False

    @property
    def place(self) -> str:
        """``provider/region``."""
        return f"{self.provider}/{self.region}"

    @property
    def factor(self) -> float:
        """Billed hours per useful hour."""
        lost = self.losses or 0.0
        return 1 + sqrt(2 * SPOT_D_H * lost) + lost * SPOT_R_H


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What every workload has.

    Attributes:
        spot: most of it that may run on spot; None: none.
        data_gb: lies at aws/us-east-1.
    """

    name: str
    priority: int
    spot: float | None = None
    never: str = ""
    data_gb: float = 0


@dataclass(frozen=True, kw_only=True)
class Gang(Ask):
    """`instances` in one zone for `hours`."""

    instances: int
    hours: int


@dataclass(frozen=True, kw_only=True)
class Pieces(Ask):
    """Divisible `work` instance-hours by a `deadline`."""

    work: int
    deadline: int


@dataclass(frozen=True, kw_only=True)
class Serving(Ask):
    """Rates by metro; an instance carries 80; at most `far` of the whole beyond `rtt` ms."""

    rates: tuple[tuple[str, int], ...]
    rtt: int
    far: float
    regions: int = 1


@dataclass(frozen=True, kw_only=True)
class Savings:
    """A savings plan: USD committed per hour at prices less `off`."""

    provider: str
    per_hour: int
    off: float


@dataclass(frozen=True, kw_only=True)
class Case:
    """Offers, workloads and rules.

    Attributes:
        quota: most instances at aws that are not owned; None: any.
        apart: no provider serves two workloads.
        savings: only in cases without divisible work.
    """

    offers: tuple[Offer, ...]
    asks: tuple[Ask, ...]
    quota: int | None = None
    apart: bool = False
    savings: Savings | None = None


def market_csv(case: Case) -> str:
    """Return the case's offers as a market file; owned ones are left out."""
    lines = [
        "provider,region,zone,instance_type,accelerator,accelerators,vcpus,memory_gib,fabric,"
        "option,usd_per_hour,available,interruptions_per_hour,source,observed_at"
    ]
    for o in case.offers:
        if not o.owned:
            option = "on-demand" if o.losses is None else "spot"
            losses = "" if o.losses is None else o.losses
            lines.append(
                f"{o.provider},{o.region},{o.zone},big,H100,8,100,1000,rdma,{option},"
                f"{o.usd_per_hour},{o.available},{losses},tests,2026-11-01"
            )
    return "\n".join(lines)


def spec_data(case: Case) -> dict[str, object]:
    """Return the case's workloads and rules as a spec."""
    data: dict[str, object] = {"period": PERIOD_H, "training": [], "services": [], "batch": []}
    for ask in case.asks:
        kind, one = _asked(ask)
        one |= {"name": ask.name, "priority": ask.priority, "accelerators": one["accelerators"]}
        if ask.spot is not None:
            one["spot"] = {"checkpoint": SPOT_D_H, "restart": SPOT_R_H, "max_share": ask.spot}
        if ask.data_gb:
            one["data"] = {"in": "aws/us-east-1", "gb": ask.data_gb}
        data[kind] = [*data[kind], one]  # type: ignore[misc] # the three lists above
    rules: list[dict[str, object]] = [
        {"never": [ask.never], "workloads": [ask.name]} for ask in case.asks if ask.never
    ]
    if case.apart:
        rules.append({"apart": "provider", "workloads": [ask.name for ask in case.asks]})
    data["policy"] = {"exclusivity": rules} if rules else {}
    owned = [
        {"pool": f"{o.place}/{o.zone}/big", "instances": o.available}
        for o in case.offers
        if o.owned
    ]
    holdings: dict[str, object] = {"reservations": owned} if owned else {}
    if case.savings is not None:
        holdings["savings_plans"] = [asdict(case.savings)]
    data["holdings"] = holdings
    if case.quota is not None:
        data["quotas"] = [
            {"provider": "aws", "type": "big", "unit": "instances", "limit": case.quota}
        ]
    return {key: value for key, value in data.items() if value}


def _asked(ask: Ask) -> tuple[str, dict[str, object]]:
    if isinstance(ask, Gang):
        return "training", {"accelerators": f"H100:{8 * ask.instances}", "hours": ask.hours}
    if isinstance(ask, Pieces):
        return "batch", {"accelerators": "H100:8", "work": ask.work, "deadline": ask.deadline}
    assert isinstance(ask, Serving)
    found: dict[str, object] = {
        "accelerators": "H100:8",
        "throughput": CARRIED / 8,
        "demand": [{"from": metro, "rate": rate} for metro, rate in ask.rates],
        "latency": {"rtt": ask.rtt, "share": float(1 - Decimal(str(ask.far)))},
    }
    if ask.regions > 1:
        found["spread"] = {"regions": ask.regions}
    return "services", found
