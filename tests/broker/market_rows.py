"""Small markets for tests: one line of CSV is one offer."""

from __future__ import annotations

from broker.market import Market
from broker.market_csv import read_offers_csv

HEAD = (
    "provider,region,zone,instance_type,accelerator,accelerators,vcpus,memory_gib,option,"
    "usd_per_hour,upfront_usd,purchasable,source,observed_at"
)
#: Eight offers; dollars an hour and accelerator: H100 on AWS 5, 2; on Google 4; A100 1.5; L4 0.7.
ROWS = (
    "aws,us-east-1,use1-az1,p5.48xlarge,H100,8,192,2048,on-demand,40,,yes,aws-list,2026-07-20",
    "aws,us-east-1,use1-az1,p5.48xlarge,H100,8,192,2048,spot,16,,yes,aws-spot,2026-05-01",
    "gcp,europe-west4,europe-west4-a,a3-highgpu-1g,H100,1,26,234,spot,4,,yes,gcp-list,2026-08-03",
    "azure,westeurope,-,ND96amsr,A100:80GB,8,96,1900,on-demand,12,,unknown,azure-list,2026-06-18",
    "gcp,us-central1,us-central1-b,g2-standard-4,L4,1,4,16,on-demand,0.7,,yes,gcp-list,2026-08-03",
    "aws,us-west-2,usw2-az1,m5.large,,0,2,8,on-demand,0.096,,yes,aws-list,2026-07-20",
    "aws,us-west-2,usw2-az1,m5.large,,0,2,8,reserved-1y,0.01,438,yes,aws-list,2026-07-20",
    "gcp,us-central1,us-central1-b,a4x-highgpu-4g,GB200,4,140,884,on-demand,,,no,,",
)


def market_of(*rows: str, head: str = HEAD) -> Market:
    """Return the market of `rows`, of the eight offers when none is given."""
    return read_offers_csv("\n".join([head, *(rows or ROWS)]).encode(), name="tiny")
