"""What a project owns and runs, over the wire and by workload."""

from datetime import UTC, datetime
from decimal import Decimal

from broker.provider import Scope
from providers.emulation.gcp import GoogleEmulator
from providers.gcp.ownership import label_of
from tests.providers.gcp.cloud import Wire, fixtures, refresh


def instance(name: str, machine_type: str, workload: str | None, **changes: object) -> Wire:
    wire: Wire = {
        "name": name,
        "machineType": f"https://www.googleapis.com/compute/v1/zones/z/machineTypes/{machine_type}",
        "status": "RUNNING",
        "labels": {"broker-workload": workload} if workload else {"team": "x"},
        "scheduling": {"provisioningModel": "STANDARD"},
    }
    return wire | changes


def test_running_instances_are_counted_by_workload() -> None:
    """Instances with the label count by zone, type and option; stopped ones do not."""
    held = fixtures()
    t4 = [{"acceleratorType": "https://x/acceleratorTypes/nvidia-tesla-t4", "acceleratorCount": 1}]
    held.instances["us-central1-a"] = [
        instance("a", "a3-highgpu-8g", "llm"),
        instance("b", "a3-highgpu-8g", "llm"),
        instance("c", "a3-highgpu-8g", "llm", scheduling={"provisioningModel": "SPOT"}),
        instance("d", "n1-standard-8", "chat", guestAccelerators=t4),
        instance("e", "a3-highgpu-8g", "llm", status="TERMINATED"),
        instance("f", "a3-highgpu-8g", None),
    ]
    with GoogleEmulator(held) as emulator:
        _, tables = refresh(emulator)
        (asked,) = emulator.http.requests("instances.aggregatedList")
    columns = ("workload", "zone", "instance_type", "option", "instances")
    assert tables.tables["running"].select(columns).rows() == [
        ("chat", "us-central1-a", "n1-standard-8+nvidia-tesla-t4x1", "on-demand", 1),
        ("llm", "us-central1-a", "a3-highgpu-8g", "on-demand", 2),
        ("llm", "us-central1-a", "a3-highgpu-8g", "spot", 1),
    ]
    assert asked.parameters["filter"] == "labels.broker-workload:*"


def test_another_tag_asks_for_another_label() -> None:
    """Label keys hold no colon and no capitals, so a tag is spelt as a label."""
    assert label_of("broker:workload") == "broker-workload"
    with GoogleEmulator(fixtures()) as emulator:
        refresh(emulator, Scope(tag="Team/Job"))
        (asked,) = emulator.http.requests("instances.aggregatedList")
    assert asked.parameters["filter"] == "labels.team-job:*"


def test_a_reservation_is_a_holding_of_instances() -> None:
    """Zone, type, count and end of what stands are read, in UTC; what goes away is not owned."""
    held = fixtures()
    held.reservations["us-central1-a"] = [
        {
            "name": "h100",
            "id": "7",
            "status": "READY",
            "creationTimestamp": "2026-11-01T00:00:00.000-07:00",
            "deleteAtTime": "2026-12-20T00:00:00Z",
            "specificReservation": {
                "count": "4",
                "instanceProperties": {"machineType": "a3-highgpu-8g"},
            },
        }
    ]
    gone = {**held.reservations["us-central1-a"][0], "name": "gone", "status": "DELETING"}
    held.reservations["us-central1-a"].append(gone)
    with GoogleEmulator(held) as emulator:
        _, tables = refresh(emulator)
    (row,) = tables.tables["holdings"].to_dicts()
    assert (row["id"], row["kind"]) == ("us-central1-a/h100", "reservation")
    assert (row["instance_type"], row["instances"]) == ("a3-highgpu-8g", 4)
    assert (row["region"], row["state"]) == ("us-central1", "ready")
    assert row["starts_at"] == datetime(2026, 11, 1, 7, tzinfo=UTC)
    assert row["ends_at"] == datetime(2026, 12, 20, tzinfo=UTC)


def test_a_commitment_is_money_per_hour() -> None:
    """12 vCPU x 0.02 + 85 GiB x 0.003 + 1 A100 x 1.8 = 2.295 USD per hour."""
    from broker.offers import PurchaseOption as Option
    from providers.emulation.gcp_skus import sku

    held = fixtures()
    for component, usd in (("core a2", "0.02"), ("ram a2", "0.003"), ("chip a100", "1.8")):
        held.skus.append(sku(component, Option.RESERVED_1Y, "us-central1", Decimal(usd)))
    resources = [
        {"type": "VCPU", "amount": "12"},
        {"type": "MEMORY", "amount": str(85 * 1024)},
        {"type": "ACCELERATOR", "amount": "1", "acceleratorType": "nvidia-tesla-a100"},
    ]
    known: Wire = {
        "name": "c1",
        "status": "ACTIVE",
        "plan": "TWELVE_MONTH",
        "type": "ACCELERATOR_OPTIMIZED",
        "resources": resources,
        "startTimestamp": "2026-01-01T00:00:00Z",
        "endTimestamp": "2027-01-01T00:00:00Z",
    }
    held.commitments["us-central1"] = [known, known | {"name": "c2", "type": "MEMORY_OPTIMIZED"}]
    with GoogleEmulator(held) as emulator:
        _, tables = refresh(emulator)
    rows = tables.tables["holdings"].sort("id").select("id", "kind", "usd_per_hour").rows()
    assert rows == [
        ("us-central1/c1", "savings-plan", Decimal("2.295000000")),
        ("us-central1/c2", "savings-plan", None),
    ]


def test_quota_limits_come_over_the_wire() -> None:
    """Cloud Quotas' per-family rows are read page by page; its other quotas are passed over."""
    held = fixtures()
    held.regions[0]["quotas"] = [{"metric": "NVIDIA_L4_GPUS", "limit": 16.0, "usage": 8.0}]
    held.quota_infos = [
        *({"quotaId": f"CPUS-{n}", "dimensionsInfos": []} for n in range(4)),
        {
            "quotaId": "GPUS-PER-GPU-FAMILY-per-project-region",
            "dimensionsInfos": [
                {
                    "dimensions": {"region": "us-central1", "gpu_family": "NVIDIA_H100"},
                    "details": {"value": "16"},
                    "applicableLocations": ["us-central1"],
                }
            ],
        },
    ]
    with GoogleEmulator(held, page_size=3) as emulator:
        _, tables = refresh(emulator)
        pages = [logged.target.page for logged in emulator.http.requests("quotaInfos.list")]
    assert pages == [1, 2]
    rows = (
        tables.tables["quotas"].select("region", "family", "limit", "used").sort("family").rows()
    )
    assert rows == [
        ("us-central1", "NVIDIA_H100", 16.0, None),
        ("us-central1", "NVIDIA_L4_GPUS", 16.0, 8.0),
    ]
