"""Every rule that a spec states, each with the spec that lacks it.

What is offered here is what a person could strike out: a rule of the policy, a bound on where a
workload stands or how far its users may be, a quota, a promise of spend. Leave to do something
(`purchase`, `spot`) and what is asked for (hours, demand, work) are no rules.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from broker.policy import DIMENSIONS
from broker.reference import country_groups
from broker.units import plain

Data = dict[str, Any]
Path = tuple[str | int, ...]

#: Keys of a workload that bound its choice; those of one line are struck out together.
_OF_A_WORKLOAD: Final[tuple[tuple[Path, ...], ...]] = (
    (("where", "providers"),),
    (("where", "regions"),),
    (("latency",),),
    (("spread",),),
    (("survive",), ("survive_share",)),
    (("spot", "max_share"),),
    (("deadline",),),
)
_OF_STABILITY: Final = ("max_moves", "min_saving", "freeze")
_KINDS: Final = ("training", "services", "batch")
#: In the policy, but no rules: they only name things.
_NAMES: Final = ("country_groups",)
#: Keys of `where` by which workloads that name the same are bound by one rule.
_SHARED: Final = ("residency", "requires")
#: Units of the normal form.
_UNITS: Final = {"rtt": " ms", "rtt_max": " ms", "deadline": " h"}
#: Parts of a whole, written as percent.
_SHARES: Final = ("share", "max_share", "survive_share", "margin", *DIMENSIONS)
#: Amounts of money, written in groups of digits.
_MONEY: Final = ("spend", "budget", "price", "min_saving")
#: More than any account may hold.
_NO_LIMIT: Final = "1000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedRule:
    """One rule, and the spec without it.

    Attributes:
        key: its family, with its number where a family is a list: ``exclusivity[0]``.
        paths: where it stands in the spec.
        says: what it says, in the spec's own words.
        why: the reason that the spec gives; "" when it gives none.
        without: the spec that lacks it, as plain data.
        keeps_market_quotas: whether the market's own quotas hold in that spec.
    """

    key: str
    paths: tuple[str, ...]
    says: str
    why: str
    without: Data
    keeps_market_quotas: bool = True


def stated_rules(
    spec: Data, *, regions: Sequence[str], market_quotas: int = 0
) -> tuple[StatedRule, ...]:
    """Return the rules of a spec, in its order; the market's quotas last, all as one.

    Args:
        spec: in its normal form, as a plan holds it.
        regions: ``provider/region`` of every ordinary region of the market: what a workload may
            use whose `where.regions` is struck out, beside what that names.
        market_quotas: how many quotas the market has.
    """
    found = [*_policy(spec), *_shared(spec), *_workloads(spec, regions), *_account(spec)]
    if market_quotas:
        found.append(
            StatedRule(
                key="quotas of the market",
                paths=("market",),
                says=f"all {market_quotas} that the market states",
                why="",
                without=spec,
                keeps_market_quotas=False,
            )
        )
    return tuple(found)


def _policy(spec: Data) -> Iterator[StatedRule]:
    for key, value in spec.get("policy", {}).items():
        if key in _NAMES:
            continue
        if not isinstance(value, list):
            yield _struck(spec, key, (("policy", key),), _words(value, key))
            continue
        for number, rule in enumerate(value):
            path = ("policy", key, number)
            yield _struck(spec, f"{key}[{number}]", (path,), _rule_words(rule), rule)


def _shared(spec: Data) -> Iterator[StatedRule]:
    """Workloads that name the same countries, or the same tags, are bound by one rule."""
    for key in _SHARED:
        bound: dict[tuple[str, ...], list[tuple[Path, str]]] = {}
        for path, workload in _each_workload(spec):
            named = workload.get("where", {}).get(key)
            if named:
                place = (*path, "where", key)
                bound.setdefault(tuple(named), []).append((place, workload["name"]))
        for named, users in bound.items():
            what = _group_words(named, spec) if key == "residency" else ", ".join(named)
            says = f"{what}: {', '.join(name for _, name in users)}"
            yield _struck(spec, key, tuple(path for path, _ in users), says)


def _workloads(spec: Data, regions: Sequence[str]) -> Iterator[StatedRule]:
    for path, workload in _each_workload(spec):
        for keys in _OF_A_WORKLOAD:
            stated = [key for key in keys if _at(workload, key) is not None]
            if not stated:
                continue
            paths = tuple((*path, *key) for key in stated)
            name = ".".join(map(str, keys[0]))
            said = _said({str(key[-1]): _at(workload, key) for key in stated})
            rule = _struck(spec, name, paths, f"{workload['name']}: {said}")
            if name == "where.regions":
                every = sorted({*_at(workload, stated[0]), *regions})
                rule = replace(rule, without=_with(spec, paths[0], every))
            yield rule


def _account(spec: Data) -> Iterator[StatedRule]:
    if "providers" in spec:
        says = _words(spec["providers"])
        yield _struck(spec, "providers", (("providers",),), says)
    for key in _OF_STABILITY:
        if key in spec.get("stability", {}):
            says = _words(spec["stability"][key], key)
            yield _struck(spec, key, (("stability", key),), says)
    for number, promise in enumerate(spec.get("holdings", {}).get("commitments", [])):
        path = ("holdings", "commitments", number)
        yield _struck(spec, f"commitments[{number}]", (path,), _words(promise))
    for number, quota in enumerate(spec.get("quotas", [])):
        # Struck out, it would give way to the market's quota of the same place.
        without = _with(spec, ("quotas", number, "limit"), _NO_LIMIT)
        key = f"quotas[{number}]"
        yield StatedRule(key=key, paths=(key,), says=_words(quota), why="", without=without)


def _struck(
    spec: Data, key: str, paths: tuple[Path, ...], says: str, rule: object = None
) -> StatedRule:
    """Return the rule at `paths`, with the spec from which these are struck out."""
    without = copy.deepcopy(spec)
    for path in paths:
        _drop(without, path)
    why = rule.get("why", "") if isinstance(rule, Mapping) else ""
    return StatedRule(
        key=key, paths=tuple(map(_dotted, paths)), says=says, why=why, without=without
    )


def _each_workload(spec: Data) -> Iterator[tuple[Path, Data]]:
    for kind in _KINDS:
        for number, workload in enumerate(spec.get(kind, [])):
            yield (kind, number), workload


def _at(value: Any, path: Path) -> Any:
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


def _holder(data: Any, path: Path) -> Any:
    for key in path[:-1]:
        data = data[key]
    return data


def _drop(data: Data, path: Path) -> None:
    """Strike out what stands at `path`, and what is empty then."""
    holder = _holder(data, path)
    del holder[path[-1]]
    if not holder and len(path) > 1:
        _drop(data, path[:-1])


def _with(spec: Data, path: Path, value: object) -> Data:
    changed = copy.deepcopy(spec)
    _holder(changed, path)[path[-1]] = value
    return changed


def _dotted(path: Path) -> str:
    parts = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return "".join(parts).removeprefix(".")


def _rule_words(rule: Any) -> str:
    """What a rule says, whom it speaks of last."""
    if not isinstance(rule, Mapping):
        return _words(rule)
    about = {key: value for key, value in rule.items() if key in {"workloads", "tenants"}}
    rest = {key: value for key, value in rule.items() if key not in {*about, "why"}}
    whom = "; ".join(map(_whom, about.values()))
    return f"{_words(rest)}: {whom}" if whom else _words(rest)


def _whom(about: Any) -> str:
    """Workloads, or those of each tenant."""
    if isinstance(about, Mapping):
        return ", ".join(f"{tenant} ({_words(members)})" for tenant, members in about.items())
    return _words(about)


def _said(stated: Data) -> str:
    """What the keys of one rule say: a list or a mapping speaks for itself."""
    (first, *_) = stated.values()
    return _words(first if isinstance(first, Mapping | list) else stated)


def _words(value: Any, key: str = "") -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(one, name)}" for name, one in value.items())
    if key == "ramp":
        return f"of {len(value)} steps"
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value))
    number = _number(value)
    if number is not None and key in _SHARES:
        return f"{plain(number * 100)} %"
    if number is not None and key in _MONEY:
        return f"{number:,f} USD"
    return f"{value}{_UNITS.get(key, '')}"


def _number(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None  # a word: a provider where another rule has its share


def _group_words(countries: Sequence[str], spec: Data) -> str:
    """Names of groups for the countries that they have, the largest first; then the rest."""
    own = spec.get("policy", {}).get("country_groups", {})
    known: dict[str, Collection[str]] = {**country_groups(), **own}
    left, named = set(countries), []
    for name, members in sorted(known.items(), key=lambda item: -len(item[1])):
        if members and left.issuperset(members):
            named.append(name)
            left -= set(members)
    return ", ".join([*named, *sorted(left)])
