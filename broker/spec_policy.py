"""What the caps of a spec's policy must be in themselves and to the market."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence

from broker.accelerators import accelerators
from broker.policy import DIMENSIONS, Concentration
from broker.spec_faults import Here, listed, nearest, words
from broker.workloads import Spec


def check_watts(spec: Spec, here: Here) -> None:
    """Note what `assume.watts` states of models nobody knows, or whose power is known."""
    known = accelerators()
    unstated = [name for name, model in known.items() if model.tdp_w is None]
    for name in spec.assume.watts:
        model = known.get(name)
        if model is None:
            here.at(name).fault(
                name, expected=f"one of {listed(unstated)}", remedy=nearest(name, unstated)
            )
        elif model.tdp_w is not None:
            found = words(f"{name}, rated at {model.tdp_w:g} W by its maker")
            expected = f"a model without a rating: {listed(unstated)}"
            here.at(name).fault(found, expected=expected, remedy="leave it out")


def check_policy(spec: Spec, here: Here) -> None:
    """Note what in the caps of `spec` contradicts itself; `here` is `policy`."""
    rule = spec.policy.carbon
    if rule and rule.price is None and rule.cap is None and not here.at("carbon").is_faulty:
        remedy = "write e.g. `price: 80`, USD per tonne"
        here.at("carbon").fault(words("neither"), expected="a price or a cap", remedy=remedy)
    for index, cap in enumerate(spec.policy.concentration):
        _check_concentration(spec, cap, here.at("concentration", index))


def _check_concentration(spec: Spec, cap: Concentration, here: Here) -> None:
    if here.is_faulty:
        return
    if len(cap.dimensions) != 1:
        found = words(" and ".join(cap.dimensions) or "no scope")
        expected = f"exactly one of {', '.join(DIMENSIONS)}"
        here.fault(found, expected=expected, remedy="write one cap for each, as a list")
    elif cap.dimension == "country_group":
        groups = spec.policy.country_groups
        if not groups:
            remedy = "define groups of countries under policy.country_groups"
            expected = "groups of countries of your own"
            here.at("country_group").fault(words("no groups"), expected=expected, remedy=remedy)
        _check_listed(cap.names, here.at("names"), known=list(groups))


def check_policy_names(spec: Spec, here: Here, *, known: Mapping[str, Sequence[str]]) -> None:
    """Note names in the caps that the market does not know.

    Args:
        spec: the spec.
        here: `policy`.
        known: dimension of a cap -> names that the market has.
    """
    models = accelerators()
    places = spec.policy.carbon.grams_per_kwh if spec.policy.carbon else ()
    for place in places:
        if place not in known["region"]:
            inside = here.at("carbon", "grams_per_kwh", place)
            remedy = nearest(place, known["region"])
            inside.fault(place, expected="a provider/region of the market", remedy=remedy)
    for index, limit in enumerate(spec.policy.power):
        for number, glob in enumerate(limit.regions or ()):
            names = [name for one in known["region"] for name in (one, one.partition("/")[2])]
            if not fnmatch.filter(names, glob):
                inside = here.at("power", index, "regions", number)
                expected = "a region of the market, or a glob that matches one"
                inside.fault(glob, expected=expected, remedy=nearest(glob, names))
    for index, cap in enumerate(spec.policy.concentration):
        if len(cap.dimensions) != 1 or cap.dimension == "country_group":
            continue
        scopes = list(known.get(cap.dimension, ()))
        if cap.dimension == "vendor":
            scopes = sorted({models[one].vendor for one in known["accelerator"] if one in models})
        inside = here.at("concentration", index)
        _check_listed(cap.names, inside.at("names"), known=scopes)
        if (
            not cap.names
            and len(scopes) * cap.most < 1
            and cap.dimension in {"provider", "region"}
        ):
            found = words(f"at most {cap.most} in each of {listed(scopes)}")
            expected = "shares that add up to the whole"
            inside.at(cap.dimension).fault(found, expected=expected, remedy="raise the share")


def _check_listed(names: Sequence[str], here: Here, *, known: Sequence[str]) -> None:
    for index, name in enumerate(names):
        if name not in known:
            remedy = nearest(name, known)
            here.at(index).fault(name, expected=f"one of {listed(known)}", remedy=remedy)
