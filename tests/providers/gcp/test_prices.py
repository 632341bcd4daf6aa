"""Prices of machines are the exact sum of their parts, or unknown."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.offers import PurchaseOption as Option
from broker.provider import Row
from providers.emulation.gcp_rates import rates_of
from providers.gcp.machines import Machine
from providers.gcp.prices import Rates, compose, missing_parts, parts, read_rates
from tests.providers.gcp.cloud import skus

US = "us-central1"


def rows(*, without: str = "") -> list[Row]:
    """The hand-made catalog as rows; `without` leaves out the texts that start with it."""
    found: list[Row] = []
    for wire in skus():
        expression = wire["pricingInfo"][0]["pricingExpression"]
        price = expression["tieredRates"][0]["unitPrice"]
        if without and wire["description"].startswith(without):
            continue
        found.append(
            {
                "description": wire["description"],
                "usage_type": wire["category"]["usageType"],
                "regions": wire["serviceRegions"],
                "unit": expression["usageUnit"],
                "usd": str(int(price["units"]) + Decimal(price["nanos"]) / 10**9),
            }
        )
    return found


def machine(
    name: str, vcpus: int, gib: str, *, guest: str | None = None, count: str = "0", ssd: str = "0"
) -> Machine:
    return Machine(
        zone=f"{US}-a",
        name=name,
        series_type=name,
        vcpus=vcpus,
        memory_gib=Decimal(gib),
        guest_accelerator=guest,
        accelerators=Decimal(count),
        local_disk_gib=Decimal(ssd),
        arch="x86_64",
    )


A3 = machine("a3-highgpu-8g", 208, "1872", guest="nvidia-h100-80gb", count="8", ssd="6000")
A2 = machine("a2-highgpu-1g", 12, "85", guest="nvidia-tesla-a100", count="1")
G2 = machine("g2-standard-4", 4, "16", guest="nvidia-l4", count="1")
G4 = machine("g4-standard-48", 48, "180", guest="nvidia-rtx-pro-6000", count="1")
G4_EIGHTH = machine("g4-standard-6", 6, "22", guest="nvidia-rtx-pro-6000", count="0.125")


@pytest.mark.parametrize(
    ("one", "on_demand", "spot"),
    [
        (A3, "88.490", "50.610"),
        (A2, "3.673", "1.928"),
        (G2, "0.70683", "0.39734"),
        (G4, "4.49993", "1.79982"),
        (G4_EIGHTH, "0.559556", "0.2238035"),
    ],
    ids=lambda value: value.name if isinstance(value, Machine) else str(value),
)
def test_published_prices_compose_to_the_cent(one: Machine, on_demand: str, spot: str) -> None:
    """Published prices of us-central1 (2026-08) come out of rates of vCPU, RAM, chip and SSD."""
    rates = read_rates(rows())
    for option, usd in ((Option.ON_DEMAND, on_demand), (Option.SPOT, spot)):
        composed = compose(rates, one, US, option)
        assert composed is not None
        assert composed.quantize(Decimal(usd)) == Decimal(usd)


def test_a_sum_is_exact() -> None:
    """12 x 0.031611 + 85 x 0.004237 + 2.933908 = 3.673385, without any rounding."""
    assert compose(read_rates(rows()), A2, US, Option.ON_DEMAND) == Decimal("3.673385")


def test_a_missing_part_leaves_the_price_unknown() -> None:
    """Without the rate of its RAM a machine has no price, rather than a cheaper one."""
    rates = read_rates(rows(without="G2 Instance Ram"))
    assert compose(rates, G2, US, Option.ON_DEMAND) is None
    assert missing_parts(rates, G2, US, Option.ON_DEMAND) == ("ram g2",)


def test_a_chip_nobody_knows_leaves_the_price_unknown() -> None:
    """CPU and memory alone are never the price of a machine with an unknown accelerator."""
    odd = replace(G2, guest_accelerator="nvidia-x1")
    assert compose(read_rates(rows()), odd, US, Option.ON_DEMAND) is None


def test_another_region_has_no_price() -> None:
    """A rate of one region says nothing of another, and nothing is missing there."""
    rates = read_rates(rows())
    assert compose(rates, G2, "europe-west4", Option.ON_DEMAND) is None
    assert missing_parts(rates, G2, "europe-west4", Option.ON_DEMAND) == ()


def _row(text: str, usd: str, *, unit: str = "h", usage: str = "OnDemand") -> Row:
    return {"description": text, "usage_type": usage, "regions": [US], "unit": unit, "usd": usd}


def test_an_all_in_chip_is_the_whole_machine() -> None:
    """A4 has one SKU per GPU: 8 x 16.11, flex-start 8 x 8.055, calendar 8 x 11.277."""
    name = "A4 Nvidia B200 (1 gpu slice)"
    rates = read_rates(
        [
            _row(f"{name} running in Americas", "16.11"),
            _row(f"{name} attached to DWS Defined Duration VMs running in Americas", "8.055"),
            _row(f"DWS Calendar Mode {name} in Americas", "11.277"),
            _row(f"Spot Preemptible {name} running in Americas", "4.2796"),
        ]
    )
    a4 = machine("a4-highgpu-8g", 224, "3968", guest="nvidia-b200", count="8", ssd="12000")
    found = {option: compose(rates, a4, US, option) for option in rates.options()}
    assert found == {
        Option.ON_DEMAND: Decimal("128.88"),
        Option.SPOT: Decimal("34.2368"),
        Option.CAPACITY_BLOCK: Decimal("90.216"),
        Option.FLEX_START: Decimal("64.44"),
    }


def test_uncommitted_disk_is_billed_on_demand() -> None:
    """A commitment without one for local SSD pays the disk's on-demand rate."""
    rates = read_rates(
        [
            _row("Commitment v1: A3 Cpu in Americas for 1 Year", "0.01", usage="Commit1Yr"),
            _row("Commitment v1: A3 Ram in Americas for 1 Year", "0.001", usage="Commit1Yr"),
            _row("Commitment v1: Nvidia H100 80GB GPU running in X for 1 Year", "1"),
            _row("SSD backed Local Storage", "0.073", unit="GiBy.mo"),
        ]
    )
    # 208 x 0.01 + 1872 x 0.001 + 8 x 1 + 6000 x 0.073 / 730
    assert compose(rates, A3, US, Option.RESERVED_1Y) == Decimal("12.552")
    assert compose(rates, A3, US, Option.SPOT) is None


def test_the_dearer_of_two_rates_stands_and_is_told() -> None:
    """Two SKUs for one part are never guessed downwards."""
    rates = read_rates([_row("Nvidia L4 GPU running in A", "0.5"), _row("Nvidia L4 GPU", "0.6")])
    key = (US, "chip l4", Option.ON_DEMAND)
    assert rates.usd[key] == Decimal("0.6")
    assert rates.ambiguous == {key}


def test_zero_is_a_placeholder() -> None:
    """A rate of 0 USD is no price."""
    assert read_rates([_row("Nvidia L4 GPU running in Americas", "0")]) == Rates()


def test_a_rate_of_every_region_holds_anywhere() -> None:
    """A SKU of the region `global` prices its part where no own rate stands."""
    row = _row("Nvidia L4 GPU running in Americas", "0.5") | {"regions": ["global"]}
    rates = read_rates([row])
    assert rates.rate("asia-south1", "chip l4", Option.ON_DEMAND) == Decimal("0.5")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(min_value=1000, max_value=10**9), min_size=4, max_size=4),
    st.sets(st.integers(min_value=1, max_value=8), min_size=1),
)
def test_any_prices_taken_apart_compose_again(nanos: list[int], sizes: set[int]) -> None:
    """Rates that emulated SKUs state give back the prices they were taken from, to 1e-8 USD."""
    core, memory, chip, disk = (Decimal(one) / 10**9 for one in nanos)
    machines = [
        machine(
            f"a3-highgpu-{size}g",
            26 * size,
            str(234 * size),
            guest="nvidia-h100-80gb",
            count=str(size),
            ssd=str(750 * size),
        )
        for size in sorted(sizes)
    ]
    true = {"core a3": core, "ram a3": memory, "chip 80gb h100": chip, "ssd": disk}
    priced = [
        (one, sum((true[part] * quantity for part, quantity in parts(one)), Decimal(0)))
        for one in machines
    ]
    found = rates_of(priced)
    assert all(rate > 0 for rate in found.values())
    for one, usd in priced:
        again = sum((found[part] * quantity for part, quantity in parts(one)), Decimal(0))
        assert abs(again - usd) < Decimal("1e-8") + usd * Decimal("1e-12")
