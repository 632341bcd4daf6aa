"""Where every figure of the embedded market comes from, with its day and licence."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from broker.market import Source

_FACTS = "facts"
_DOCS = "facts from public documentation"

#: Key, description, day the figures speak of, licence ("facts": only figures were taken).
_TABLE: Final = (
    (
        "aws-types",
        "EC2 DescribeInstanceTypes as stored by getmoto/moto 0af643a5",
        "2026-08-02",
        "Apache-2.0",
    ),
    (
        "aws-zones",
        "EC2 DescribeInstanceTypeOfferings as stored by getmoto/moto 0af643a5",
        "2026-08-01",
        "Apache-2.0",
    ),
    (
        "aws-prices",
        "EC2 Linux on-demand prices of us-east-1 and GovCloud, aws/karpenter-provider-aws 1d92708",
        "2026-07-20",
        "Apache-2.0",
    ),
    (
        "aws-vantage",
        "EC2 Linux on-demand and 1-year no-upfront reserved prices of instances.vantage.sh,"
        " by way of tsaol/aws-gpu 7412fd2",
        "2026-01-21",
        _FACTS,
    ),
    (
        "aws-terms",
        "EC2 1- and 3-year no-upfront reserved prices of us-east-1 and ap-south-1,"
        " sooddvs/gpu-pricing 2d9dd3a",
        "2026-06-15",
        _FACTS,
    ),
    (
        "aws-spot-derived",
        "derived: ratio of spot to on-demand in SkyPilot catalog v6 (first half of 2025,"
        " OpenComputePrices eaf60db) times the on-demand price of this market",
        "2025-05-31",
        "MIT, Apache-2.0",
    ),
    (
        "aws-spot-advisor",
        "EC2 spot advisor interruption bands, alexei-led/spotinfo 05e9331;"
        " upper edge of the monthly band as a rate per hour",
        "2025-06-01",
        "Apache-2.0",
    ),
    (
        "aws-documentation",
        "EC2 user guide: previous-generation, DL1 and UltraServer instance types",
        "2026-06-01",
        _DOCS,
    ),
    (
        "azure-prices",
        "Azure Linux on-demand prices, Azure/karpenter-provider-azure 352646f5",
        "2026-06-18",
        "Apache-2.0",
    ),
    (
        "azure-catalog",
        "Azure Linux spot prices, and on-demand where the other list has none or a Windows price,"
        " anycloud-sh/catalog 62ff0a9",
        "2026-05-20",
        _FACTS,
    ),
    (
        "azure-meters",
        "Azure Retail Prices meters of five European regions, Linux alone,"
        " andy-diericks/azure-pricing-radar cf741f2",
        "2026-08-22",
        "MIT",
    ),
    (
        "azure-reservations",
        "Azure reservation totals, OpenComputePrices eaf60db; the term, lost there,"
        " was worked out from the order of the totals",
        "2026-03-21",
        "MIT",
    ),
    (
        "azure-types",
        "Azure vCPUs and memory, kubernetes/autoscaler 55c37cd5 and anycloud-sh/catalog 62ff0a9;"
        " accelerators, fractions and fabric by Azure's size documentation",
        "2026-03-17",
        "Apache-2.0; " + _FACTS,
    ),
    (
        "azure-names",
        "accelerator and vCPUs read off the size's name; no published specification found",
        "2026-06-18",
        "Apache-2.0",
    ),
    (
        "azure-sizes",
        "Azure GPU sizes a current client lists, karpenter-provider-azure known_skus.yaml",
        "2026-07-16",
        "Apache-2.0",
    ),
    (
        "azure-retirements",
        "Azure notices: retired GPU sizes",
        "2026-04-23",
        _DOCS,
    ),
    (
        "gcp-prices",
        "Google Cloud on-demand and spot prices, cloudpilot-ai/karpenter-provider-gcp 373e2ba",
        "2026-08-03",
        "Apache-2.0",
    ),
    (
        "gcp-calculator",
        "Google Cloud prices and 1- and 3-year commitments per month (/ 730),"
        " Cyclenerd/google-cloud-pricing-cost-calculator fd66b26",
        "2026-07-30",
        "Apache-2.0",
    ),
    (
        "gcp-composed",
        "Google Cloud vCPU + memory + accelerator prices by zone, anycloud-sh/catalog 62ff0a9,"
        " with bundled local SSD at its on-demand price",
        "2026-05-20",
        _FACTS,
    ),
    (
        "gcp-slices",
        "Google Cloud B200 all-in prices per GPU, sooddvs/gpu-pricing 2d9dd3a",
        "2026-06-15",
        _FACTS,
    ),
    (
        "gcp-flex-estimate",
        "estimate: GPUs at the DWS Flex Start price (anycloud-sh/catalog 62ff0a9), vCPUs, memory"
        " and bundled local SSD at the on-demand price",
        "2026-05-20",
        _FACTS,
    ),
    (
        "gcp-types",
        "Google Cloud machine types by region, Cyclenerd machinetyperegion.csv 8bf3293;"
        " accelerators, disk, network and fabric by Google's documentation",
        "2026-08-17",
        "Apache-2.0",
    ),
    (
        "gcp-accelerator-types",
        "Google Cloud accelerator types by region, Cyclenerd acceleratortyperegion.csv 1c13e28",
        "2026-08-10",
        "Apache-2.0",
    ),
    (
        "gcp-zones",
        "Google Cloud zones of machines and accelerators, anycloud-sh/catalog 62ff0a9",
        "2026-05-20",
        _FACTS,
    ),
    (
        "gcp-consumption",
        "Google Cloud consumption options by machine family, compute documentation",
        "2026-06-01",
        _DOCS,
    ),
)

SOURCES: Final = MappingProxyType(
    {
        key: Source(key=key, name=name, observed_on=day, licence=licence)
        for key, name, day, licence in _TABLE
    }
)


def observed_at(key: str) -> datetime:
    """Return the start (UTC) of the day the source `key` speaks of."""
    return datetime.fromisoformat(SOURCES[key].observed_on).replace(tzinfo=UTC)
