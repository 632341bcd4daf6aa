"""Reading SKU descriptions: which price part, of which chip or series, under which option.

The catalog has no fields for these; its texts do, in several spellings. Examples:
``A3Plus Instance Core running in Americas``, ``Nvidia H100 80GB GPU attached to Spot
Preemptible VMs running in Mumbai``, ``Commitment v1: Nvidia L4 GPU running in Mumbai for 3
Years``, ``Reserved H200 141GB GPU in Mumbai in Calendar Mode``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from broker.offers import PurchaseOption

#: Texts of rates that are no plain machine: other tenancy, custom shapes, surcharges, licences.
_REJECTED: Final = re.compile(
    r"sole tenancy|custom|extended|premium|capacity optimized|licens|suspend|upgrade"
    r"|dollar based|overcommit"
)
_COMMITMENT: Final = re.compile(r"commitment.* for (\d+) years?$")
_PLACE: Final = re.compile(r"\s+(?:running\s+)?in\s.*$")
_ATTACHED: Final = re.compile(r"\s+attached to .*$")
_PREFIX: Final = re.compile(
    r"^(?:commitment(?: v1)?:|dws defined duration|dws flex start|dws calendar mode|reserved"
    r"|spot preemptible|preemptible)\s+"
)
_NOISE: Final = frozenset(
    {"nvidia", "tesla", "gpu", "tpu", "(1", "slice)", "instance", "predefined", "amd", "arm"}
)
_SAME: Final = {"plus": "mega", "cpu": "core"}
_TERMS: Final = {"1": PurchaseOption.RESERVED_1Y, "3": PurchaseOption.RESERVED_3Y}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a SKU prices.

    Attributes:
        component: `core`, `ram`, `local_ssd` or `chip` key, as built by this module.
        option: how it is bought.
    """

    component: str
    option: PurchaseOption


def core(series: str) -> str:
    """Return the component key of a series' vCPU."""
    return f"core {series}"


def ram(series: str) -> str:
    """Return the component key of a series' memory."""
    return f"ram {series}"


def local_ssd(series: str) -> str:
    """Return the component key of local SSD; "" for the one most series share."""
    return f"ssd {series}".rstrip()


def chip(words: frozenset[str]) -> str:
    """Return the component key of an accelerator."""
    return f"chip {' '.join(sorted(words))}"


def parse_description(description: str, usage_type: str) -> Part | None:
    """Return what a SKU prices; None when it is no part of a plain machine's price.

    Args:
        description: the SKU's text.
        usage_type: its ``category.usageType``; the text wins where they disagree, because
            spot SKUs with usage type ``OnDemand`` exist.
    """
    text = description.lower().strip()
    if _REJECTED.search(text):
        return None
    option = _option(text, usage_type)
    if option is None:
        return None
    bare = _ATTACHED.sub("", _PLACE.sub("", text))
    return Part(component=_component(_PREFIX.sub("", f"{bare} ").split()), option=option)


def _option(text: str, usage_type: str) -> PurchaseOption | None:
    if text.startswith("commitment"):
        term = _COMMITMENT.search(text)
        return _TERMS.get(term[1]) if term else None
    if "calendar mode" in text:
        return PurchaseOption.CAPACITY_BLOCK
    if text.startswith("reserved"):
        return None  # placeholders at 0 USD
    if "dws defined duration" in text or "dws flex start" in text:
        return PurchaseOption.FLEX_START
    if "preemptible" in text or usage_type == "Preemptible":
        return PurchaseOption.SPOT
    return PurchaseOption.ON_DEMAND


def _component(words: list[str]) -> str:
    kept = [_SAME.get(word, word) for word in words if word not in _NOISE]
    if kept[-2:] == ["local", "storage"]:
        return local_ssd("")
    if kept[-2:] == ["local", "ssd"]:
        return local_ssd(" ".join(kept[:-2]))
    name = "c2" if kept[:2] == ["compute", "optimized"] else " ".join(kept[:-1]) or "n1"
    if kept[-1:] == ["core"]:
        return core(name)
    if kept[-1:] == ["ram"]:
        return ram(name)
    return chip(frozenset(word.removeprefix("tpu") for word in kept))
