"""SKU texts in all their spellings name one part and one option, or nothing."""

import pytest

from broker.offers import PurchaseOption as Option
from providers.emulation.gcp_skus import decoys, sku
from providers.gcp.descriptions import parse_description

READ = [
    ("A3Plus Instance Core running in Americas", "core a3plus", Option.ON_DEMAND),
    ("A2 Instance Ram running in Mumbai", "ram a2", Option.ON_DEMAND),
    ("N1 Predefined Instance Core running in Americas", "core n1", Option.ON_DEMAND),
    ("N2D AMD Instance Ram running in Paris", "ram n2d", Option.ON_DEMAND),
    ("C4A Arm Instance Core running in Iowa", "core c4a", Option.ON_DEMAND),
    ("Compute optimized Instance Ram running in Iowa", "ram c2", Option.ON_DEMAND),
    ("Nvidia Tesla A100 GPU running in Americas", "chip a100", Option.ON_DEMAND),
    ("Nvidia Tesla A100 80GB GPU running in Americas", "chip 80gb a100", Option.ON_DEMAND),
    ("Nvidia H100 80GB Mega GPU running in Iowa", "chip 80gb h100 mega", Option.ON_DEMAND),
    ("Nvidia H100 Mega 80GB GPU running in Iowa", "chip 80gb h100 mega", Option.ON_DEMAND),
    ("Nvidia H100 80GB Plus GPU running in Iowa", "chip 80gb h100 mega", Option.ON_DEMAND),
    ("A4 Nvidia B200 (1 gpu slice) running in Americas", "chip a4 b200", Option.ON_DEMAND),
    ("RTX 6000 96GB running in Americas", "chip 6000 96gb rtx", Option.ON_DEMAND),
    ("TpuV6e running in Columbus", "chip v6e", Option.ON_DEMAND),
    ("SSD backed Local Storage", "ssd", Option.ON_DEMAND),
    ("SSD backed Local Storage attached to Spot Preemptible VMs", "ssd", Option.SPOT),
    ("Spot Preemptible C4 Instance Local SSD running in Iowa", "ssd c4", Option.SPOT),
    ("Spot Preemptible A3 Instance Core running in Iowa", "core a3", Option.SPOT),
    ("Nvidia L4 GPU attached to Spot Preemptible VMs running in Iowa", "chip l4", Option.SPOT),
    ("Spot Preemptible A4 Nvidia B200 (1 gpu slice) running in X", "chip a4 b200", Option.SPOT),
    ("DWS Defined Duration A3 Core running in Americas", "core a3", Option.FLEX_START),
    ("DWS Defined Duration V6e running in Columbus", "chip v6e", Option.FLEX_START),
    (
        "H200 141GB GPU attached to DWS Defined Duration VMs running in Mumbai",
        "chip 141gb h200",
        Option.FLEX_START,
    ),
    ("DWS Calendar Mode A4 Nvidia B200 (1 gpu slice) in X", "chip a4 b200", Option.CAPACITY_BLOCK),
    ("Reserved H200 141GB GPU in X in Calendar Mode", "chip 141gb h200", Option.CAPACITY_BLOCK),
    ("Reserved V6e TPU in Columbus in Calendar Mode", "chip v6e", Option.CAPACITY_BLOCK),
    ("Commitment v1: Cpu in Americas for 1 Year", "core n1", Option.RESERVED_1Y),
    ("Commitment: Compute optimized Cpu in X for 1 Year", "core c2", Option.RESERVED_1Y),
    ("Commitment v1: A2 Ram in Iowa for 3 Year", "ram a2", Option.RESERVED_3Y),
    ("Commitment v1: Nvidia L4 GPU running in X for 3 Years", "chip l4", Option.RESERVED_3Y),
    ("Commitment v1: Local SSD in Iowa for 1 Year", "ssd", Option.RESERVED_1Y),
]


@pytest.mark.parametrize(("text", "component", "option"), READ)
def test_a_part_is_read_from_its_text(text: str, component: str, option: Option) -> None:
    """Component and option come from the text, whatever the usage type says."""
    for usage in ("OnDemand", ""):
        part = parse_description(text, usage)
        assert part is not None
        assert (part.component, part.option) == (component, option)


@pytest.mark.parametrize(
    "text",
    [
        "N2 Sole Tenancy Instance Core running in Americas",
        "Sole Tenancy Premium for A2 Sole Tenancy Instance Core running in Americas",
        "N2 Custom Instance Core running in Americas",
        "N2 Custom Extended Instance Ram running in Americas",
        "Reserved A3 Core in Americas",
        "Reserved Nvidia H100 80GB GPU in Americas",
        "Commitment - dollar based v1: GCE in Americas for 1 Year",
        "Commitment v1: A2 Cpu in Americas for 5 Years",
        "Capacity Optimized TpuV6e running in Columbus",
        "Licensing Fee for Windows Server on VM with 4 VCPU",
        "Memory Optimized Upgrade Premium for Memory-optimized Instance Core running in X",
    ],
)
def test_what_is_no_plain_machine_is_passed_over(text: str) -> None:
    """Other tenancy, custom shapes, surcharges, placeholders and licences are no part."""
    assert parse_description(text, "OnDemand") is None


def test_a_usage_type_decides_where_the_text_is_silent() -> None:
    """A SKU whose text names no option is spot when its usage type says so."""
    part = parse_description("Nvidia Tesla T4 GPU running in Americas", "Preemptible")
    assert part is not None
    assert part.option is Option.SPOT


@pytest.mark.parametrize("option", [one for one in Option if one is not Option.OWNED])
@pytest.mark.parametrize("component", sorted({component for _, component, _ in READ}))
def test_the_emulated_catalog_writes_texts_that_read_back(component: str, option: Option) -> None:
    """What the emulator words for a part reads as that part."""
    from decimal import Decimal

    wire = sku(component, option, "us-central1", Decimal(1))
    part = parse_description(wire["description"], wire["category"]["usageType"])
    assert part is not None
    assert (part.component, part.option) == (component, option)


def test_decoys_are_passed_over() -> None:
    """None of the emulated catalog's decoys is taken for a part at a price."""
    for wire in decoys("us-central1"):
        part = parse_description(wire["description"], wire["category"]["usageType"])
        assert part is None
