"""A small Google Cloud by hand: two regions, and rates that sum to known prices."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from broker.fetching import ConcurrentFetcher, Patience
from broker.offers import PurchaseOption as Option
from broker.provider import Fetched, Provider, Scope, Settings, Tables
from providers.emulation.gcp import GoogleEmulator
from providers.emulation.gcp_fixtures import Fixtures
from providers.emulation.gcp_skus import decoys, sku
from providers.gcp import connect

Wire = dict[str, Any]
#: Fast enough for tests, with room for three tries.
QUICK = Patience(threads=8, tries=3, first_wait_s=0.01, longest_wait_s=0.05, provider_s=120)

#: component -> (on-demand, spot) in us-central1, per hour; local SSD per month.
RATES: dict[str, tuple[str, str]] = {
    "core a2": ("0.031611", "0.0158055"),
    "ram a2": ("0.004237", "0.0021185"),
    "chip a100": ("2.933908", "1.5582815"),
    "core a3": ("0.02933", "0.0127"),
    "ram a3": ("0.001794553", "0.0017"),
    "chip 80gb h100": ("9.79655292", "5.516000822"),
    "ssd": ("0.08", "0.08"),
    "core g2": ("0.024988", "0.0105"),
    "ram g2": ("0.0029275", "0.0025335"),
    "chip l4": ("0.56004", "0.3148"),
    "core g4": ("0.03", "0.012"),
    "ram g4": ("0.00587", "0.002348"),
    "chip 6000 96gb rtx": ("2.00333", "0.80118"),
    "core n1": ("0.031611", "0.01117"),
    "ram n1": ("0.004237", "0.001488"),
    "chip t4": ("0.35", "0.17"),
}


def machine_type(
    name: str, vcpus: int, memory_gib: float, *, guest: str = "", count: int = 0, ssds: int = 0
) -> Wire:
    """A machine type as the compute API writes it."""
    wire: Wire = {
        "name": name,
        "guestCpus": vcpus,
        "memoryMb": int(memory_gib * 1024),
        "architecture": "X86_64",
    }
    if guest:
        wire["accelerators"] = [{"guestAcceleratorType": guest, "guestAcceleratorCount": count}]
    if ssds:
        wire["bundledLocalSsds"] = {"defaultInterface": "NVME", "partitionCount": ssds}
    return wire


TYPES = (
    machine_type("a2-highgpu-1g", 12, 85, guest="nvidia-tesla-a100", count=1),
    machine_type("a3-highgpu-1g", 26, 234, guest="nvidia-h100-80gb", count=1, ssds=2),
    machine_type("a3-highgpu-8g", 208, 1872, guest="nvidia-h100-80gb", count=8, ssds=16),
    machine_type("a4-highgpu-8g", 224, 3968, guest="nvidia-b200", count=8, ssds=32),
    machine_type("g2-standard-4", 4, 16, guest="nvidia-l4", count=1),
    machine_type("g4-standard-6", 6, 22, guest="nvidia-rtx-pro-6000", count=1),
    machine_type("g4-standard-48", 48, 180, guest="nvidia-rtx-pro-6000", count=1),
    machine_type("n1-standard-8", 8, 30),
)


def region(name: str, *zones: str, quotas: Sequence[Wire] = (), status: str = "UP") -> Wire:
    """A region as the compute API writes it."""
    urls = [f"https://www.googleapis.com/compute/v1/projects/p/zones/{zone}" for zone in zones]
    return {"name": name, "status": status, "zones": urls, "quotas": list(quotas)}


def skus(place: str = "us-central1") -> list[Wire]:
    """The SKUs of `RATES` in one region, among others that must be passed over."""
    found = []
    for component, (on_demand, spot) in RATES.items():
        for option, rate in ((Option.ON_DEMAND, on_demand), (Option.SPOT, spot)):
            hourly = Decimal(rate) / 730 if component == "ssd" else Decimal(rate)
            found.append(sku(component, option, place, hourly))
    return [*found, *decoys(place)]


def fixtures() -> Fixtures:
    """Two regions: us-central1 sells everything of `TYPES`, europe-west4 has no prices."""
    return Fixtures(
        regions=[
            region("us-central1", "us-central1-a", "us-central1-b"),
            region("europe-west4", "europe-west4-a"),
        ],
        machine_types={
            "us-central1-a": list(TYPES),
            "us-central1-b": [],
            "europe-west4-a": [TYPES[4]],
        },
        accelerator_types={
            "us-central1-a": [{"name": "nvidia-tesla-t4", "maximumCardsPerInstance": 4}]
        },
        skus=skus(),
    )


def provider(emulator: GoogleEmulator, **options: str) -> Provider:
    """The adapter, speaking to `emulator`."""
    settings = Settings(endpoints=emulator.endpoints, options={"project": "p", **options})
    return connect(settings)


def refresh(
    emulator: GoogleEmulator, scope: Scope | None = None, **options: str
) -> tuple[dict[str, Fetched], Tables]:
    """Collect from `emulator` and read; outcomes by dataset (the last where there are several)."""
    cloud = provider(emulator, **options)
    asked = scope or Scope()
    fetched = cloud.collect(asked, ConcurrentFetcher(patience=QUICK))
    return {one.dataset: one for one in fetched}, cloud.read(fetched, asked)
