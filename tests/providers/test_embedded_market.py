"""The whole embedded market through three emulated clouds and back: every row, and the plans.

What differs is listed here, column by column, with the reason why an API cannot say it; the
pages of the providers tell users the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest

from broker.cli import main
from broker.market import Market
from broker.offers import OFFER_KEY, OFFER_SCHEMA, UNKNOWN_ZONE
from broker.registry import emulator
from broker.snapshot import read_market

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
KEY: Final = list(OFFER_KEY)
FIGURES: Final = [
    name
    for name in OFFER_SCHEMA
    if name not in OFFER_KEY and not name.endswith(("_source", "_observed_at"))
]
GOVERNMENT: Final = pl.col("location_kind") == "government"
UNCOUNTED: Final = pl.col("accelerators").is_null()
UNPRICED: Final = pl.col("usd_per_hour").is_null()

#: provider -> rows of the embedded market that no answer brings back.
LOST: Final = {
    # Another partition with keys of its own; a Local Zone's type without price or sale.
    "aws": GOVERNMENT | ((pl.col("region") == "us-east-1-dfw-2") & UNPRICED),
    # No region is known; a region whose sizes are all unknown, so that it lists none.
    "azure": (pl.col("region") == "-") | ((pl.col("region") == "southeastus") & UNCOUNTED),
    "gcp": pl.lit(value=False),
}
#: provider -> rows that come back beyond those of the embedded market.
ADDED: Final = {
    "aws": pl.lit(value=False),
    # A size that only reservations price is listed all the same, on demand at an unknown price.
    "azure": UNPRICED & (pl.col("option") == "on-demand"),
    "gcp": pl.lit(value=False),
}
#: (provider, column) -> rows of the embedded market in which it may differ.
DIFFERENT: Final = {
    # A size without a count is not listed: its price alone comes back, as one not for sale.
    ("azure", "vcpus"): UNCOUNTED,
    ("azure", "arch"): UNCOUNTED,
    ("azure", "quota_family"): UNCOUNTED,
    # A list of sizes says yes or no, never unknown.
    ("azure", "purchasable"): UNCOUNTED | (pl.col("purchasable") == "unknown"),
    # A machine type without bundled disk has none; the market does not know.
    ("gcp", "local_disk_gib"): pl.col("local_disk_gib").is_null(),
}


@dataclass(frozen=True, kw_only=True)
class Both:
    """The market that was sold, and where the one that came back lies."""

    sold: Market
    seen: Market
    folder: Path


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, distribution: Path) -> Iterator[Both]:
    """Return the embedded market and what a refresh of three clouds that sell it brings back."""
    folder = tmp_path_factory.mktemp("whole")
    sold = read_market("embedded")
    providers = {}
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(distribution))
        patch.setenv("XDG_DATA_HOME", str(folder / "data"))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("NO_GCE_CHECK", "true")
        patch.delenv("AZURE_TOKEN_CREDENTIALS", raising=False)
        for name in ("aws", "azure", "gcp"):
            cloud = emulator(name)(sold, port=0, latency_s=0, faults=[])
            cloud.start()
            stack.callback(cloud.stop)
            for variable, value in cloud.environment.items():
                patch.setenv(variable, value)
            providers[name] = {"endpoints": {**cloud.endpoints}, "options": {**cloud.options}}
        config = folder / "config.yaml"
        config.write_text(json.dumps({"providers": providers}))
        code = main(["refresh", "--config", str(config), "--out", str(folder / "seen")])
        assert code == 0
        yield Both(sold=sold, seen=read_market([folder / "seen"]), folder=folder / "seen")


def offers(market: Market, provider: str) -> pl.DataFrame:
    """Return a provider's offers; Google's machines of unknown zone in the zone they stand in.

    Google lists machines by zone alone, so that the emulator has to name one.
    """
    found = market.offers.filter(pl.col("provider") == provider)
    named = pl.when(pl.lit(provider == "gcp") & (pl.col("zone") == UNKNOWN_ZONE))
    return found.with_columns(zone=named.then(pl.col("region") + "-a").otherwise("zone"))


@pytest.mark.parametrize("provider", ["aws", "azure", "gcp"])
def test_every_row_comes_back_and_no_other(both: Both, provider: str) -> None:
    """Offers are the same but for those of the two lists, none of which a plan could use."""
    sold, seen = offers(both.sold, provider), offers(both.seen, provider)
    lost = sold.join(seen, on=KEY, how="anti").filter(~LOST[provider])
    added = seen.join(sold, on=KEY, how="anti").filter(~ADDED[provider])
    assert lost.select(KEY).rows() == []
    assert added.select(KEY).rows() == []
    assert seen.height > 6000


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_comes_back(both: Both, figure: str) -> None:
    """A column has the same value in every row, to the last digit of a price."""
    for provider in ("aws", "azure", "gcp"):
        joined = offers(both.sold, provider).join(
            offers(both.seen, provider), on=KEY, suffix="_seen"
        )
        same = pl.col(figure).eq_missing(pl.col(f"{figure}_seen"))
        allowed = DIFFERENT.get((provider, figure), pl.lit(value=False))
        wrong = joined.filter(~same & ~allowed).select(*KEY, figure, f"{figure}_seen")
        assert wrong.rows() == []


@pytest.mark.parametrize("name", ["quickstart", "frontier-lab"])
def test_the_plan_is_the_same(both: Both, name: str, tmp_path: Path) -> None:
    """Placements, purchases, what is unmet and every part of the cost agree to the cent."""
    spec = str(EXAMPLES / f"{name}.yaml")
    plans = []
    for number, market in enumerate(("embedded", str(both.folder))):
        out = tmp_path / f"{number}.json"
        assert main(["plan", "-q", spec, "--market", market, "--out", str(out)]) == 0
        plans.append(told(json.loads(out.read_text())))
    expected, found = plans
    assert len(expected["placements"]) > 4
    assert found == expected


def told(plan: dict[str, Any]) -> dict[str, Any]:
    """Return what a plan says, without sources and dates; see `offers` for Google's zones."""
    undated = ("workload", "offer", "instances", "hours", "owned", "cost")
    placements = [{key: one[key] for key in undated} for one in plan["placements"]]
    for one in placements:
        one["offer"] = _zoned(one["offer"])
    return {
        "placements": placements,
        "purchases": plan["purchases"],
        "cost": plan["cost"],
        "unmet": plan["unmet"],
    }


def _zoned(offer: str) -> str:
    provider, region, zone, *rest = offer.split("/")
    is_unknown = provider == "gcp" and zone == UNKNOWN_ZONE
    return "/".join([provider, region, f"{region}-a" if is_unknown else zone, *rest])
