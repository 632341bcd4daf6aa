"""The optimizer for many demands: prices of shared rows part them, ways of blocks join them again.

1. Prices: relax a restricted model that grows by the pairs which look cheap at its own duals.
2. Ways: solve each block at the prices, whole; let a master combine ways; take its duals as the
   next prices. Every round proves a bound (`solver.certificate`).
3. Plan: the master as an integer model, then neighbourhoods of what falls short of its bound.

Rounds and steps are counted, so the same problem and limits give the same plan; a clock only ends
it earlier.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from solver.certificate import Certificate, Certifier
from solver.child import EngineProcess
from solver.compact import build_compact
from solver.compact_columns import Compact, Longs, owners
from solver.effort import Effort, Outcome
from solver.master import Master, build_master
from solver.model import Model, with_row
from solver.pairs import Pairs, most_units
from solver.prices import Prices, blended, no_prices, priced
from solver.pricing import Choices, Pricer
from solver.problem import Family, Floats, Problem
from solver.relaxation import Service, prices_of, restrict, service_of
from solver.search import Search, batches
from solver.selection import CHOICES, few_choices, joined, pairs_of, service_selection
from solver.tier_bounds import flat_below
from solver.ways import Encoder, Way, nothing
