"""First prices of very many demands: relaxations of samples of them, grown until they settle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solver.columns import Columns
from solver.effort import Outcome
from solver.pairs import with_coefficients
from solver.prices import Prices, blended, no_prices, priced
from solver.problem import Floats
from solver.relaxation import prices_of, restrict, used_pairs
from solver.sampling import Sample, sample, stakes_of, weighed
from solver.selection import joined
from solver.slices import slice_pairs
from solver.solution import SolverError
from solver.work import Work

#: Samples above `MANY` demands, and about how many blocks are in each.
_SAMPLES = 4
_SIZE = 1_000
#: Rounds of a sample's relaxation, at most; it has settled when one lowers its cost by less than
#: this part.
_ROUNDS = 8
_LEAST_FALL = 1e-3
#: Pairs that a round adds to each gang or batch of a sample, and that all of them get at last; up
#: to so many demands services get some too, of more of them no model is solved whole.
_MORE = 24
_PAIRS = 12
_FEW_PAIRS = 5
MOST = 30_000
#: What is unmet is fined by so many times what serving it costs.
_FINE = 3.0


def sampled_prices(work: Work) -> Prices:
    """Return prices from samples of the demands; all demands get the pairs cheap at these.

    Of more than `MOST` demands, only what plans and ways use is known of services.

    What a bound loses by prices is convex in them, so the mean of what several samples say is
    better than what one says.

    Raises:
        SolverError: the engine failed.
        OutOfTime: the clock of the caller has run out.
    """
    known = work.columns
    stake = stakes_of(work.flat, known.pairs, dearest=True)  # plans among them
    prices = no_prices(work.problem)
    for number in range(_SAMPLES):
        offset = (number + 0.5) / _SAMPLES
        drawn = sample(work.flat, known.blocks, stake, size=_SIZE, offset=offset)
        found = _prices_of_sample(work, drawn, stake)
        prices = blended(found, prices, number / (number + 1))
        work.prices = prices
        work.tell(f"prices {number + 1}")
    if work.problem.demands.count <= MOST:
        work.columns.grow(prices, _PAIRS)
    else:
        work.columns.grow(prices, _FEW_PAIRS, services=False)
    work.stake = _stakes(work, prices)
    return prices


def _prices_of_sample(work: Work, drawn: Sample, stake: Floats) -> Prices:
    """Prices from the relaxation of a sample, which grows by pairs that look cheap at these.

    `stake`: float64[D], what demands cost.
    """
    part = drawn.part.problem
    service = replace(work.service, forced=work.service.forced[drawn.part.demand])
    columns = Columns.of(part, part, keep=_MORE)
    columns.pairs = joined(part, [columns.pairs, slice_pairs(work.columns.pairs, drawn.part)])
    fines = np.minimum(columns.fines, _FINE * np.maximum(stake[drawn.part.demand], 1.0))
    hard = service.hard[service.level_of(part)]
    before = np.inf
    for number in range(_ROUNDS):
        work.check_time()
        restricted = restrict(part, columns.pairs, service, loose=True)
        unmet = restricted.compact.unmet[hard]
        restricted.model.high[unmet] = 1.0
        restricted.model.cost[unmet] += fines[hard]
        model = weighed(drawn, restricted.compact, restricted.model)
        times = work.problem.demands.count / part.demands.count
        work.entries = max(work.entries, round(times * len(model.value)))
        answer = work.engine.solve_linear(model)
        if answer is None or answer.outcome is not Outcome.OPTIMAL:
            raise SolverError("the relaxation of a sample has no solution")
        prices = prices_of(restricted, answer, service, whole=work.problem)
        last = before - answer.objective <= _LEAST_FALL * abs(answer.objective)
        if last or number == _ROUNDS - 1:
            break
        before = answer.objective
        columns.pairs = used_pairs(restricted, answer)
        columns.grow(prices, _MORE)
    return prices


def _stakes(work: Work, prices: Prices) -> Floats:
    """float64[D], about what each demand costs at `prices`."""
    at_prices, known = priced(work.flat, prices), work.columns.pairs
    return stakes_of(
        at_prices, with_coefficients(at_prices, known.demand, known.mode, known.supply)
    )
