"""A spec with one mistake: what it is, specs to put one in, and the market they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from broker.market import Market
from broker.market_csv import read_offers_csv

MARKET_CSV: Final = """\
provider,region,zone,instance_type,accelerator,accelerators,memory_gib,vcpus,fabric,option,\
usd_per_hour
aws,us-east-1,use1-az1,p5.48xlarge,H100,8,2048,192,rdma,on-demand,50
aws,us-east-1,use1-az1,p5.48xlarge,H100,8,2048,192,rdma,spot,20
azure,westeurope,-,ND96isr_H100_v5,H100,8,1900,96,rdma,on-demand,80
gcp,europe-west4,europe-west4-a,g2-standard-4,L4,1,16,4,none,on-demand,1
gcp,europe-west4,europe-west4-a,n2-standard-8,,0,32,8,none,on-demand,0.4
"""


def tiny_market() -> Market:
    """Return the market against which the bad specs are checked."""
    return read_offers_csv(MARKET_CSV.encode(), name="tiny.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A spec with one mistake.

    Attributes:
        name: what is wrong.
        text: the spec.
        line: where the fault must be found; 0: in the file as a whole.
        path: its dotted path.
        piece: what its message must contain.
    """

    name: str
    text: str
    line: int
    path: str
    piece: str


def bad(name: str, text: str, line: int, path: str, piece: str) -> Bad:
    return Bad(name=name, text=text, line=line, path=path, piece=piece)


def training(extra: str = "", *, shape: str = "accelerators: H100:8", hours: str = "10") -> str:
    """Return a spec of one training; its shape is on line 3, its hours on 4, `extra` from 5."""
    return f"training:\n- name: a\n  {shape}\n  hours: {hours}\n{extra}"


def service(extra: str = "", *, demand: str = "[{from: paris, rate: 9}]", rate: str = "2") -> str:
    """Return a spec of one service; demand on line 4, throughput on 5, `extra` from 6."""
    return (
        f"services:\n- name: s\n  accelerators: L4:1\n  demand: {demand}\n"
        f"  throughput: {rate}\n{extra}"
    )


def batch(extra: str = "", *, work: str = "10h") -> str:
    """Return a spec of one batch; its work is on line 4, `extra` from 5."""
    return f"batch:\n- name: b\n  accelerators: L4:1\n  work: {work}\n{extra}"


def rule(text: str) -> str:
    """Return a spec with one rule of exclusivity, on line 7."""
    return training(f"policy:\n  exclusivity:\n  - {text}\n")


def capped(text: str) -> str:
    """Return a spec with a policy; `text` is on line 6."""
    return training(f"policy:\n  {text}\n")


def held(text: str) -> str:
    """Return a spec with holdings; `text` is on line 6."""
    return training(f"holdings:\n  {text}\n")
