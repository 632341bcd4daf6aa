"""Where accelerator models may not run.

Inequality: a row is refused when its accelerator is one of the rule's models and the country of
its region is one of the rule's countries, or is not known. Owned instances are no exception.
"""

from __future__ import annotations

import numpy as np

from broker.rules.geography import country_of_place
from broker.rules.rule import SAME_FOR_ALL, Admission, AnyWorkload, Bools, Scene


def _exports(_workload: AnyWorkload, scene: Scene) -> Bools | None:
    rules = scene.spec.policy.export_control
    if not rules:
        return None
    models = scene.stock.text("accelerator")
    country = np.array(country_of_place(scene))
    refused = np.zeros(scene.stock.count, np.bool_)
    for rule in rules:
        inside = np.isin(country, rule.never) | (country == "")
        refused |= inside[scene.place_of_row] & np.isin(models, rule.accelerators)
    return np.asarray(~refused, dtype=np.bool_)


ADMISSIONS = (
    Admission(
        key="export_control",
        why_not="its model may not run in that country by policy.export_control",
        admits=_exports,
        decided_by=SAME_FOR_ALL,
    ),
)
