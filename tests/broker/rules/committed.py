"""What tests of savings plans share: demand, holdings, a market with their rates."""

from __future__ import annotations

from broker.market import Market
from broker.paid_hours import SavingsPlanUse
from broker.plans import Plan
from tests.broker.rules.ruled import HEADER, market

#: One unit of 8 H100 for 100 h: 4,000 USD at aws, 6,000 at azure, 8,000 at gcp.
TUNE = "training: [{name: tune, accelerators: 'H100:8', hours: 100}]\n"
BOTH = (
    "training: [{name: tune, accelerators: 'H100:8', hours: 100}]\n"
    "batch: [{name: embed, accelerators: 'H100:8', work: 1000h}]\n"
)
#: Offers with rates of savings plans beside their own prices.
RATES = (
    "aws,us-east-1,use1-az1,p5.48xlarge,H100,8,2048,192,rdma,on-demand,40,,\n"
    "aws,us-east-1,use1-az2,p5.48xlarge,H100,8,2048,192,rdma,on-demand,41,,\n"
    "aws,us-east-1,-,p5.48xlarge,H100,8,2048,192,rdma,reserved-1y,30,,compute-savings-plan\n"
    "aws,us-east-1,-,p5.48xlarge,H100,8,2048,192,rdma,reserved-1y,27,,ec2-savings-plan\n"
    "aws,us-east-1,-,p5.48xlarge,H100,8,2048,192,rdma,reserved-3y,20,8760,compute-savings-plan\n"
    "aws,us-east-1,-,p5.48xlarge,H100,8,2048,192,rdma,reserved-1y,10,,savings-plan\n"
    "azure,westeurope,-,ND96isr_H100_v5,H100,8,1900,96,rdma,on-demand,60,,\n"
)


def holding(plans: str, more: str = "") -> str:
    """Return holdings of a period of 100 h with these savings plans."""
    return f"period: 100h\nholdings:\n  savings_plans: [{plans}]\n{more}"


def use(plan: Plan, number: int = 0) -> SavingsPlanUse:
    """Return what a plan says of one of its savings plans."""
    return plan.savings_plans[number]


def rated() -> Market:
    """Return a market with rates of savings plans among its offers."""
    return market(RATES, header=f"{HEADER},upfront_usd,variant")
