"""What each rule of a plan costs: the plan against the cheapest one without that rule.

With C the cost of the best plan known under all rules and B a bound on the cost of any, and C0
and B0 the same without one rule, the rule's true price C* - C0* lies between B - C0 and C - B0:
the gaps of both plans, and nothing else, separate it from C - C0. A plan that keeps a rule is a
plan without it too, so C0 <= C, and B0 bounds what keeps the rule as well.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NoReturn

import polars as pl

from broker.background import LOOK_UP_S
from broker.errors import BrokerError, MarketError, SolverFailed
from broker.margins import Margin, margins
from broker.market import Market
from broker.planning import make_plan
from broker.plans import ZERO, Level, Plan
from broker.spec import spec_from_data
from broker.stated_rules import StatedRule, stated_rules
from solver.asking import Engine
from solver.solution import SearchLimits

if TYPE_CHECKING:
    from multiprocessing.pool import IMapIterator

#: Unmet weight below this part of a level is a rounding.
_ROUNDING: Final = Decimal("1e-6")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePrice:
    """What one rule costs over the period.

    Attributes:
        rule: its family, with its number where a family is a list.
        paths: where it stands in the spec.
        says: what it says, in the spec's words.
        why: the reason the spec gives; "" when it gives none.
        usd: cost with it less cost without it.
        least_usd, most_usd: the true price lies between; they differ by the gaps of both plans.
        serves_more: priority -> unmet weight that is served without the rule; where any is, the
            amounts above compare plans that do not serve the same.
    """

    rule: str
    paths: tuple[str, ...]
    says: str
    why: str
    usd: Decimal
    least_usd: Decimal
    most_usd: Decimal
    serves_more: tuple[tuple[int, Decimal], ...]

    @property
    def is_distinct(self) -> bool:
        """Whether the price can be told from 0."""
        return self.least_usd > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePrices:
    """What the rules of a plan cost, and what a little more of each limit would save.

    Attributes:
        total_usd: the least cost known under all rules; the plan's, or a nearer one.
        bound_usd: no plan under all rules that serves as much costs less.
        period_h: hours that all amounts are for.
        prices: one for each rule, in the spec's order.
        margins: estimates; the largest saving first.
    """

    total_usd: Decimal
    bound_usd: Decimal
    period_h: Decimal
    prices: tuple[RulePrice, ...]
    margins: tuple[Margin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is known of the best plan under some rules.

    Attributes:
        total, bound: its cost at most and at least, USD.
        levels: what it leaves unmet.
    """

    total: Decimal
    bound: Decimal
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A spec to plan, and on what."""

    spec: dict[str, object]
    market: Market
    limits: SearchLimits


def price_rules(
    plan: Plan,
    market: Market,
    *,
    limits: SearchLimits | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> RulePrices:
    """Plan again without each rule, and once more with all where the plan's gap is wider.

    Args:
        plan: a plan.
        market: the market it was made on.
        limits: of each of these plans.
        workers: processes that plan at once; a program that asks for more than one needs the
            usual guard, ``if __name__ == "__main__":``.
        progress: called with (plans made, plans to make).

    Raises:
        MarketError: `market` is not the one the plan was made on.
        SolverFailed: the optimizer ended without any plan for some rule.
    """
    if market.digest != plan.digests.market:
        raise MarketError(
            f"pricing the rules: the plan was made on the market with digest "
            f"{plan.digests.market[:12]}, and {market.name} has {market.digest[:12]}",
            remedy="name the market the plan was made on with --market",
        )
    limits = limits or SearchLimits()
    free = replace(market, quotas=market.quotas.clear())
    rules = stated_rules(
        plan.spec, regions=_ordinary_regions(market), market_quotas=market.quotas.height
    )
    jobs = [
        _Job(spec=rule.without, market=market if rule.keeps_market_quotas else free, limits=limits)
        for rule in rules
    ]
    is_near = float(plan.proof.gap) <= limits.gap
    again = [] if is_near else [_Job(spec=plan.spec, market=market, limits=limits)]
    with Engine() as engine:
        made = _each_planned([*jobs, *again], workers, engine)
        found = _counted(made, len(jobs) + len(again), progress or _silent)
        estimates = margins(plan, market, engine)
    whole = _known(plan)
    for one in found[len(jobs) :]:
        whole = _nearer(whole, one)
    return _priced(plan, whole, rules, found[: len(jobs)], estimates)


def _ordinary_regions(market: Market) -> list[str]:
    ordinary = market.offers.filter(pl.col("location_kind") == "region")
    places = ordinary.select(pl.concat_str("provider", "region", separator="/")).to_series()
    return sorted(places.unique().to_list())


def _counted(made: Iterator[_Known | str], every: int, progress: Progress) -> list[_Known]:
    found: list[_Known] = []
    for one in made:
        if isinstance(one, str):
            raise SolverFailed(f"pricing the rules: {one}", remedy="ask for less: a wider --gap")
        found.append(one)
        progress(len(found), every)
    return found


def _each_planned(jobs: Sequence[_Job], workers: int, engine: Engine) -> Iterator[_Known | str]:
    if workers == 1 or len(jobs) < 2:
        yield from (_plan_one(job, engine) for job in jobs)
        return
    context = multiprocessing.get_context("spawn")  # threads of the table library bar a fork
    with context.Pool(min(workers, len(jobs)), initializer=_end_when_told) as pool:
        yield from _as_they_come(pool.imap(_plan_one, jobs))
        pool.close()
        pool.join()  # an idle worker leaves by itself; one that is told to may complain


def _as_they_come(answers: IMapIterator[_Known | str]) -> Iterator[_Known | str]:
    """Yield answers, looking up while there is none: ctrl-C does not wake who waits for ever."""
    while True:
        try:
            yield answers.next(LOOK_UP_S)
        except multiprocessing.TimeoutError:
            continue
        except StopIteration:
            return


def _end_when_told() -> None:
    """Leave ctrl-C to the parent, which ends its workers; each then ends its engine."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)


def _end(_number: int, _frame: object) -> NoReturn:
    raise SystemExit


def _plan_one(job: _Job, engine: Engine | None = None) -> _Known | str:
    """Plan one spec; an error comes back as its text, which any process can read."""
    try:
        spec = spec_from_data(job.spec)
        return _known(make_plan(spec, job.market, limits=job.limits, engine=engine).plan)
    except BrokerError as error:
        return error.message


def _known(plan: Plan) -> _Known:
    return _Known(total=plan.cost.total, bound=plan.proof.cost_bound, levels=plan.proof.levels)


def _nearer(whole: _Known, other: _Known) -> _Known:
    """Join two plans of one spec: the lower cost and the higher bound."""
    if any(_changes(whole, other)):
        return whole
    return replace(whole, total=min(whole.total, other.total), bound=max(whole.bound, other.bound))


def _changes(whole: _Known, other: _Known) -> list[tuple[int, Decimal]]:
    """Priority -> unmet weight less in `other`, where it is more than roundings and gaps."""
    found = []
    for mine, its in zip(whole.levels, other.levels, strict=True):
        less = mine.unmet - its.unmet
        slack = max(mine.unmet, Decimal(1)) * _ROUNDING
        slack += mine.unmet - mine.bound + its.unmet - its.bound
        if abs(less) > slack:
            found.append((mine.priority, less))
    return found


def _priced(
    plan: Plan,
    whole: _Known,
    rules: Sequence[StatedRule],
    found: Sequence[_Known],
    estimates: tuple[Margin, ...],
) -> RulePrices:
    alike = [one.bound for one in found if not _changes(whole, one)]
    whole = replace(whole, bound=min(max([whole.bound, *alike]), whole.total))
    return RulePrices(
        total_usd=whole.total,
        bound_usd=whole.bound,
        period_h=plan.period_h,
        prices=tuple(_price(rule, whole, one) for rule, one in zip(rules, found, strict=True)),
        margins=estimates,
    )


def _price(rule: StatedRule, whole: _Known, one: _Known) -> RulePrice:
    changes = _changes(whole, one)
    total, bound = one.total, one.bound
    if not changes or changes[0][1] < 0:  # what keeps the rule is a plan without it, too
        total = min(total, whole.total)
    if changes and changes[0][1] < 0:  # stopped so early that its bound is for serving less
        bound = ZERO
    least = whole.bound - total
    return RulePrice(
        rule=rule.key,
        paths=rule.paths,
        says=rule.says,
        why=rule.why,
        usd=whole.total - total,
        least_usd=least if changes else max(least, ZERO),
        most_usd=whole.total - bound,
        serves_more=tuple(change for change in changes if change[1] > 0),
    )


def _silent(_made: int, _all: int) -> None:
    """Tell nobody."""
