"""What a re-check of a finished plan reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One way in which a finished plan breaks a rule.

    Attributes:
        rule: key of the rule.
        subject: workload, pool or quota.
        text: what was found against what is allowed.
    """

    rule: str
    subject: str
    text: str
