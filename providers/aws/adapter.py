"""The AWS adapter: rounds of calls, then tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from broker.market import GAP_SCHEMA, Source
from broker.provider import Fetched, Fetcher, Scope, Settings, Tables
from providers.aws.answers import Answers
from providers.aws.read_places import read_places, usable_regions
from providers.aws.read_types import Machine, family_of, read_machines, type_names
from providers.aws.text import text

if TYPE_CHECKING:
    from providers.aws.read_prices import PriceBook

NAME: Final = "aws"
_SOURCES: Final = {
    "aws-ec2-api": "EC2 API: types, offerings, reservations, instances",
    "aws-price-list-api": "AWS Price List Query API",
    "aws-savings-plans-api": "Savings Plans API",
    "aws-spot-history-api": "EC2 API: spot price history",
    "aws-capacity-blocks-api": "EC2 API: capacity block offerings",
    "aws-service-quotas-api": "Service Quotas API",
    "aws-spot-advisor-file": "EC2 spot advisor, monthly bands; the rate is an estimate",
}


class Aws:
    """EC2 as one account sees it.

    Args:
        settings: profile, endpoints and options of the configuration.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def name(self) -> str:
        """Return ``aws``."""
        return NAME

    def collect(self, scope: Scope, fetcher: Fetcher) -> Sequence[Fetched]:
        """Ask for everything `scope` wants.

        Raises:
            ProviderError: when there are no credentials.
        """
        from providers.aws.rounds import Rounds
        from providers.aws.sessions import Clients

        clients = Clients(self._settings)
        rounds = Rounds(clients=clients, scope=scope, options=self._settings.options)
        fetched = list(fetcher.run(rounds.first()))
        regions = usable_regions(fetched[0].rows, scope)
        fetched.extend(fetcher.run(rounds.second(regions)))
        answers = Answers(fetched)
        families = sorted({family_of(name) for name in read_machines(answers)})
        types = {region: type_names(answers, region) for region in regions}
        fetched.extend(fetcher.run(rounds.third(types, families)))
        if scope.blocks:
            fetched.extend(fetcher.run(rounds.fourth(_sold_as_blocks(Answers(fetched)))))
        return fetched

    def read(self, fetched: Sequence[Fetched], scope: Scope) -> Tables:
        """Turn rows into tables; accelerators nobody here knows become gaps."""
        del scope
        from providers.aws.read_account import (
            holding_table,
            quota_limits,
            quota_table,
            running_table,
            signal_table,
            table,
        )
        from providers.aws.read_offers import Seen, offer_table
        from providers.aws.read_prices import read_prices
        from providers.aws.rounds import DEFAULT_SCORE_TYPES

        answers = Answers(fetched)
        machines, places, prices = (
            read_machines(answers),
            read_places(answers),
            read_prices(answers),
        )
        seen = Seen(
            machines=machines,
            places=places,
            prices=prices,
            quotas=quota_limits(answers),
            interruptions_at=answers.seen_at("interruptions"),
        )
        score_types = self._settings.options.get("score_types", DEFAULT_SCORE_TYPES)
        tables = {
            "offers": offer_table(seen),
            "quotas": quota_table(answers, machines),
            "holdings": holding_table(answers, places, prices),
            "running": running_table(answers, places),
            "signals": signal_table(answers, score_types),
            "gaps": table(_unread(machines, prices), GAP_SCHEMA),
        }
        return Tables(tables=tables, sources=_sources(fetched))


def _sold_as_blocks(answers: Answers) -> list[tuple[str, str]]:
    """Return region and type of what is offered there and sold as capacity blocks."""
    machines = read_machines(answers)
    names = {name for name, one in machines.items() if "capacity-block" in one.usage_classes}
    return sorted(
        {
            (region, text(row.get("InstanceType")))
            for region in answers.regions("offerings")
            for row in answers.rows("offerings", region)
            if row.get("InstanceType") in names
        }
    )


def _unread(machines: dict[str, Machine], prices: PriceBook) -> list[dict[str, object]]:
    """Return a gap for each accelerator without a name and each machine with two prices."""
    gaps: list[dict[str, object]] = [
        {
            "provider": NAME,
            "region": "",
            "dataset": "instance-types",
            "code": "UnknownAccelerator",
            "reason": f"{machine.name} has {machine.unknown_card}, which is not in the table",
            "remedy": "leave it out, or update the broker",
        }
        for machine in machines.values()
        if machine.unknown_card
    ]
    gaps.extend(
        {
            "provider": NAME,
            "region": code,
            "dataset": f"prices/{family_of(name)}",
            "code": "AmbiguousPrice",
            "reason": f"{name} has two on-demand prices",
            "remedy": "state the price in a market file of your own",
        }
        for name, code in prices.ambiguous
    )
    return gaps


def _sources(fetched: Sequence[Fetched]) -> list[Source]:
    newest = max((one.fetched_at for one in fetched if one.fetched_at), default=None)
    return [
        Source(key=key, name=name, observed_on=_day(newest), licence="facts")
        for key, name in _SOURCES.items()
    ]


def _day(moment: datetime | None) -> str:
    return moment.date().isoformat() if moment else "never"
