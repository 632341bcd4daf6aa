"""What losing spot capacity costs: the factor on hours, and what a service still carries.

With d the hours to write a checkpoint, R from loss to running again, L losses of the pool an hour:

    billed hours  =  useful hours x f,   f = 1 + sqrt(2 d L) + L R      admitted while f <= 2
    a service carries (1 - L R) of its throughput on spot

Checkpointing at the interval that minimises the expected loss, sqrt(2 d / L), wastes the
fraction sqrt(2 d L) of the time; each loss costs R more. First-order result of J. W. Young,
"A first order approximation to the optimum checkpoint interval", CACM 17(9), 1974,
doi:10.1145/361147.361115, and J. T. Daly, FGCS 22(3), 2006, doi:10.1016/j.future.2004.11.016.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from broker.units import round_nano
from broker.workloads import Spot

#: More than half of the hours wasted is no way to run.
LARGEST_FACTOR: Final = Decimal(2)


def rework_factor(spot: Spot, interruptions_per_hour: Decimal) -> Decimal:
    """Return f = 1 + sqrt(2 d L) + L R: billed hours per useful hour, to nine decimals.

    Args:
        spot: checkpoint d and restart R, hours.
        interruptions_per_hour: L, of the pool.
    """
    rate = interruptions_per_hour
    return round_nano(1 + (2 * spot.checkpoint * rate).sqrt() + rate * spot.restart)


def carried_share(spot: Spot, interruptions_per_hour: Decimal) -> Decimal:
    """Return the share of its load a spot instance carries on average: 1 - L R, at least 0."""
    return max(Decimal(0), round_nano(1 - interruptions_per_hour * spot.restart))


def is_worth_it(spot: Spot, interruptions_per_hour: Decimal) -> bool:
    """True when spot of this rate is admitted: f <= 2."""
    return rework_factor(spot, interruptions_per_hour) <= LARGEST_FACTOR
