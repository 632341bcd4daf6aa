"""Which calls a refresh makes, in rounds, and how fast each API may be asked.

First the regions; then each of them; then what depends on the types found: where they are sold
and for how much; last, where it is asked for, capacity blocks. Datasets that are asked for by
family carry it in their name, ``prices/p5``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from broker.provider import Call, Row, Scope
from providers.aws import fetch
from providers.aws.errors import classified
from providers.aws.sessions import Clients

#: Accelerated families first, then the CPU families worth comparing.
DEFAULT_TYPES: Final = (
    "p*,g*,trn*,inf*,dl*,c6i.*,c7a.*,c7g.*,c7i.*,c8g.*,m6i.*,m7a.*,m7g.*,m7i.*,m8g.*,r7i.*"
)
DEFAULT_SCORE_TYPES: Final = "p5.48xlarge,p5e.48xlarge,p5en.48xlarge"
DEFAULT_BLOCK_HOURS: Final = "24,168"
REGIONS_A_SCORE_TAKES: Final = 10

#: Bucket name -> refill per second and size; below what is published, where anything is.
_PACE: Final[Mapping[str, tuple[float, int]]] = {
    "ec2": (10, 50),
    "capacity-blocks": (0.15, 10),
    "placement-scores": (1, 5),
    "pricing": (5, 5),
    "savingsplans": (5, 5),
    "service-quotas": (3, 6),
    "spot-advisor": (1, 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """The calls of one refresh.

    Attributes:
        clients: the SDK's clients.
        scope: what is asked for.
        options: of the user's configuration.
    """

    clients: Clients
    scope: Scope
    options: Mapping[str, str]

    @property
    def home_region(self) -> str:
        """Region that is asked about what is not regional."""
        return self.options.get("home_region", "us-east-1")

    @property
    def patterns(self) -> tuple[str, ...]:
        """Patterns of the instance types to look at."""
        return _words(self.options.get("instance_types", DEFAULT_TYPES))

    def first(self) -> list[Call]:
        """Return the call for the regions."""
        return [self._ec2("regions", "", "DescribeRegions", fetch.regions)]

    def second(self, regions: Sequence[str]) -> list[Call]:
        """Return the calls about each of `regions`, and those about none in particular."""
        calls = [call for region in regions for call in self._regional(region)]
        home = self.clients.client
        calls.append(
            self._call(
                "savings-plans",
                "",
                "savingsplans",
                "savingsplans:DescribeSavingsPlans",
                lambda: fetch.owned_savings_plans(home("savingsplans", self.home_region)),
            )
        )
        calls.append(self._call("interruptions", "", "spot-advisor", "", self._interruptions))
        if self.scope.signals:
            calls.extend(self._scores(regions))
        return calls

    def third(self, types: Mapping[str, Sequence[str]], families: Sequence[str]) -> list[Call]:
        """Return the calls about types: where they are sold, and for how much.

        Args:
            types: region -> names of the types it has; none where that is not known.
            families: e.g. ``p5``.
        """
        calls = [call for family in families for call in self._priced(family)]
        return calls + [call for region in types for call in self._sold(region, types[region])]

    def fourth(self, blocks: Sequence[tuple[str, str]]) -> list[Call]:
        """Return the calls for capacity blocks, `blocks` being regions and types."""
        hours = _words(self.options.get("block_hours", DEFAULT_BLOCK_HOURS))
        return [
            self._block(region, name, int(length)) for region, name in blocks for length in hours
        ]

    def _sold(self, region: str, names: Sequence[str]) -> list[Call]:
        asked = tuple(names) or self.patterns
        return [
            self._ec2(
                "offerings",
                region,
                "DescribeInstanceTypeOfferings",
                lambda ec2: fetch.offerings(ec2, asked),
            ),
            self._ec2(
                "spot-prices",
                region,
                "DescribeSpotPriceHistory",
                lambda ec2: fetch.spot_prices(ec2, asked),
            ),
        ]

    def _regional(self, region: str) -> list[Call]:
        patterns, tag = self.patterns, self.scope.tag
        service_quotas = self.clients.client
        return [
            self._ec2("zones", region, "DescribeAvailabilityZones", fetch.zones),
            self._ec2(
                "instance-types",
                region,
                "DescribeInstanceTypes",
                lambda ec2: fetch.instance_types(ec2, patterns),
            ),
            self._ec2("reservations", region, "DescribeCapacityReservations", fetch.reservations),
            self._ec2(
                "reserved-instances", region, "DescribeReservedInstances", fetch.reserved_instances
            ),
            self._ec2(
                "instances", region, "DescribeInstances", lambda ec2: fetch.instances(ec2, tag)
            ),
            self._call(
                "quotas",
                region,
                "service-quotas",
                "servicequotas:ListServiceQuotas",
                lambda: fetch.quotas(service_quotas("service-quotas", region)),
            ),
        ]

    def _priced(self, family: str) -> list[Call]:
        client, home = self.clients.client, self.home_region
        return [
            self._call(
                f"prices/{family}",
                "",
                "pricing",
                "pricing:GetProducts",
                lambda: fetch.prices(client("pricing", home), family),
            ),
            self._call(
                f"savings-rates/{family}",
                "",
                "savingsplans",
                "savingsplans:DescribeSavingsPlansOfferingRates",
                lambda: fetch.savings_rates(client("savingsplans", home), family),
            ),
        ]

    def _block(self, region: str, instance_type: str, hours: int) -> Call:
        return self._ec2(
            f"capacity-blocks/{instance_type}/{hours}h",
            region,
            "DescribeCapacityBlockOfferings",
            lambda ec2: fetch.capacity_blocks(ec2, instance_type, hours),
            api="capacity-blocks",
        )

    def _scores(self, regions: Sequence[str]) -> list[Call]:
        types = _words(self.options.get("score_types", DEFAULT_SCORE_TYPES))
        groups = [
            sorted(regions)[start : start + REGIONS_A_SCORE_TAKES]
            for start in range(0, len(regions), REGIONS_A_SCORE_TAKES)
        ]
        return [
            self._ec2(
                f"placement-scores/{number}",
                "",
                "GetSpotPlacementScores",
                partial(fetch.placement_scores, types=types, region_names=asked),
                api="placement-scores",
            )
            for number, asked in enumerate(groups, start=1)
        ]

    def _interruptions(self) -> Sequence[Row]:
        return fetch.interruptions(self.clients.spot_advisor(), self.patterns)

    def _ec2(
        self,
        dataset: str,
        region: str,
        action: str,
        work: Callable[[Any], Sequence[Row]],
        *,
        api: str = "ec2",
    ) -> Call:
        place = region or self.home_region
        client = self.clients.client
        return self._call(
            dataset, region, api, f"ec2:{action}", lambda: work(client("ec2", place))
        )

    def _call(
        self, dataset: str, region: str, api: str, action: str, work: Callable[[], Sequence[Row]]
    ) -> Call:
        is_home = dataset == "regions"  # the call that shows whether the keys are good

        def run() -> Sequence[Row]:
            with classified(action, is_home=is_home):
                return work()

        per_second, burst = _PACE[api]
        return Call(
            dataset=dataset,
            region=region,
            api=api,
            per_second=per_second,
            burst=burst,
            run=run,
        )


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
