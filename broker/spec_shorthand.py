"""What a user writes, brought into the form of the domain types, as plain data.

Shapes, rules of exclusivity, origins of demand and groups of countries have short forms; this
is where they are written out and names that the spec itself defines are resolved.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from broker.accelerators import UnknownAccelerator, canonical
from broker.countries import COUNTRIES
from broker.reference import country_groups, metro_ids, regions_named
from broker.spec_faults import VERBS, FaultList, listed, nearest, words
from broker.spec_shapes import expand_shapes
from broker.spec_yaml import Place
from broker.units import decimal_of, plain

KINDS: Final = ("training", "services", "batch")

_PLACES_VERBS: Final = ("only", "never")
_RULE_KEYS: Final = ("workloads", "tenants", "why", *VERBS)
_EXPECTED_VERB: Final = "exactly one of only, never, apart, together, alone"

Raw = dict[str, object]


def expand(data: Raw, faults: FaultList) -> Raw:
    """Return a spec's data with every short form written out."""
    note_empty(data, (), faults)
    expanded = dict(data)
    if isinstance(data.get("market"), str):
        expanded["market"] = [data["market"]]
    groups = _groups(data, faults)
    for kind in KINDS:
        entries = data.get(kind)
        if isinstance(entries, list):
            expanded[kind] = [
                _workload(entry, (kind, index), groups, faults)
                if isinstance(entry, dict)
                else entry
                for index, entry in enumerate(entries)
            ]
    policy = data.get("policy")
    if isinstance(policy, dict):
        expanded["policy"] = _policy(policy, _names(data), groups, faults)
    quotas = data.get("quotas")
    if isinstance(quotas, list):
        expanded["quotas"] = [
            {**quota, "accelerator": _model(quota["accelerator"], index, faults)}
            if isinstance(quota, dict) and "accelerator" in quota
            else quota
            for index, quota in enumerate(quotas)
        ]
    return expanded


def _model(name: object, index: int, faults: FaultList) -> object:
    """Return the canonical name of the one accelerator model a quota limits."""
    if not isinstance(name, str):
        return name
    place = ("quotas", index, "accelerator")
    try:
        known = canonical(name)
    except UnknownAccelerator as error:
        remedy = f"did you mean {' or '.join(error.nearest)}?" if error.nearest else ""
        faults.add(place, name, "a known accelerator", remedy)
        return name
    if len(known) > 1:
        expected = f"one model: {' or '.join(one.name for one in known)}"
        faults.add(place, name, expected, "state a quota for each")
    return known[0].name


def note_empty(value: object, place: Place, faults: FaultList) -> None:
    """Note every empty list, and every key without a value, inside `value`."""
    if value is None and place:
        remedy = "write a value, or leave the key out"
        faults.add(place, None, "a value", remedy)
    elif isinstance(value, list):
        if not value:
            remedy = "name something, or leave the key out"
            faults.add(place, value, "a list of at least one", remedy)
        for index, item in enumerate(value):
            note_empty(item, (*place, index), faults)
    elif isinstance(value, dict):
        for key, item in value.items():
            note_empty(item, (*place, key), faults)


def _workload(
    entry: Raw, place: Place, groups: Mapping[str, frozenset[str]], faults: FaultList
) -> Raw:
    expanded = expand_shapes(entry, place, faults)
    where = expanded.get("where")
    if isinstance(where, dict) and isinstance(where.get("residency"), list):
        inside = (*place, "where", "residency")
        countries = _countries(where["residency"], inside, groups, faults)
        expanded["where"] = {**where, "residency": countries}
    data = expanded.get("data")
    if isinstance(data, dict) and "in" in data:
        expanded["data"] = {**data, "in": _region(data["in"])}
    demand = expanded.get("demand")
    if isinstance(demand, list):
        expanded["demand"] = [
            {**load, "from": _origin(load["from"], (*place, "demand", index, "from"), faults)}
            if isinstance(load, dict) and "from" in load
            else load
            for index, load in enumerate(demand)
        ]
    return expanded


def _region(name: object) -> object:
    """Return ``provider/region`` of a region whose bare name only one cloud has."""
    found = regions_named().get(name, ()) if isinstance(name, str) else ()
    return f"{found[0].provider}/{found[0].region}" if len(found) == 1 else name


def _origin(origin: object, place: Place, faults: FaultList) -> object:
    """Return a metro's id, a region or ``lat,lon``, whichever way it was written."""
    if isinstance(origin, dict):
        return _point(origin, place, faults)
    if isinstance(origin, str) and origin in metro_ids():
        return metro_ids()[origin]
    return _region(origin)


def _point(point: Raw, place: Place, faults: FaultList) -> str:
    """Return ``lat,lon`` of a point given as a mapping."""
    form = "{lat: -90..90, lon: -180..180}, in degrees"
    try:
        latitude, longitude = decimal_of(point.get("lat")), decimal_of(point.get("lon"))
    except ValueError:
        latitude, longitude = Decimal(999), Decimal(999)
    if set(point) != {"lat", "lon"} or abs(latitude) > 90 or abs(longitude) > 180:
        faults.add(place, point, form)
    return f"{plain(latitude)},{plain(longitude)}"


def _groups(data: Raw, faults: FaultList) -> Mapping[str, frozenset[str]]:
    """Return the shipped and the user's own groups of countries; the user's may name others."""
    groups = dict(country_groups())
    policy = data.get("policy")
    own = policy.get("country_groups") if isinstance(policy, dict) else None
    for name, members in own.items() if isinstance(own, dict) else ():
        place = ("policy", "country_groups", name)
        if name in COUNTRIES or name in country_groups():
            found = words(f"`{name}`, which is a country or a shipped group")
            faults.add(place, found, "a name of its own", "choose another name")
        elif isinstance(members, list):
            groups[name] = frozenset(_countries(members, place, groups, faults))
        else:
            groups[name] = frozenset()
    return groups


def _countries(
    members: list[object], place: Place, groups: Mapping[str, frozenset[str]], faults: FaultList
) -> list[str]:
    """Return the countries that codes and names of groups stand for, sorted."""
    countries: set[str] = set()
    for index, member in enumerate(members):
        if isinstance(member, str) and member in COUNTRIES:
            countries.add(member)
        elif isinstance(member, str) and member in groups:
            countries |= groups[member]
        else:
            expected = f"an ISO 3166 country code such as DE, or a group: {listed(groups)}"
            faults.add((*place, index), member, expected, _country_remedy(str(member), groups))
    return sorted(countries)


def _country_remedy(member: str, groups: Iterable[str]) -> str:
    if member == "UK":
        return "the United Kingdom is GB"
    if member.upper() in COUNTRIES or member.upper() in groups:
        return f"write {member.upper()}"
    return nearest(member, groups)


def _names(data: Raw) -> list[str]:
    """Return the names of all workloads, those with faults too."""
    entries = [data.get(kind) for kind in KINDS]
    return [
        entry["name"]
        for group in entries
        if isinstance(group, list)
        for entry in group
        if isinstance(entry, dict) and isinstance(entry.get("name"), str)
    ]


def _policy(
    policy: Raw, names: list[str], groups: Mapping[str, frozenset[str]], faults: FaultList
) -> Raw:
    expanded = dict(policy)
    rules = policy.get("exclusivity")
    if isinstance(rules, list):
        expanded["exclusivity"] = [
            _rule(rule, ("policy", "exclusivity", index), names, faults)
            if isinstance(rule, dict)
            else rule
            for index, rule in enumerate(rules)
        ]
    own = policy.get("country_groups")
    if isinstance(own, dict):
        expanded["country_groups"] = {
            name: sorted(groups.get(name, ())) if isinstance(members, list) else members
            for name, members in own.items()
        }
    return expanded


def _rule(rule: Raw, place: Place, names: list[str], faults: FaultList) -> Raw:
    """Return a rule of exclusivity as ``{verb, scopes | scope, workloads | tenants, why}``."""
    for key in rule:
        if key not in _RULE_KEYS:
            remedy = nearest(key, _RULE_KEYS)
            faults.add((*place, key), words(f"the unknown key `{key}`"), _known(), remedy)
    verbs = [verb for verb in VERBS if verb in rule]
    if len(verbs) != 1 and not (faults.has(place) and not verbs):
        found = words(f"{' and '.join(verbs)}" if verbs else "no verb")
        faults.add((*place, verbs[1]) if verbs else place, found, _EXPECTED_VERB)
    if len(verbs) != 1:
        return {"verb": "only"}
    verb = verbs[0]
    expanded: Raw = {"verb": verb}
    expanded["scopes" if verb in _PLACES_VERBS else "scope"] = rule[verb]
    if "why" in rule:
        expanded["why"] = rule["why"]
    return expanded | _members(rule, verb, place, names, faults)


def _known() -> str:
    return f"one of {', '.join(_RULE_KEYS)}"


def _members(rule: Raw, verb: str, place: Place, names: list[str], faults: FaultList) -> Raw:
    """Return whom a rule speaks of: `workloads`, or `tenants` of an `apart` rule."""
    if "tenants" in rule:
        if "workloads" in rule or verb != "apart":
            found = words(f"tenants beside {'workloads' if 'workloads' in rule else verb}")
            faults.add((*place, "tenants"), found, "tenants only with apart, without workloads")
        return {"tenants": _tenants(rule["tenants"], (*place, "tenants"), names, faults)}
    if "workloads" not in rule:
        remedy = "name them, globs such as chat-* allowed"
        faults.add(place, words("no workloads"), "the workloads it speaks of", remedy)
        return {}
    return {"workloads": _matching(rule["workloads"], (*place, "workloads"), names, faults)}


def _tenants(tenants: object, place: Place, names: list[str], faults: FaultList) -> object:
    if not isinstance(tenants, dict):
        return tenants
    if len(tenants) == 1:
        faults.add(place, words("one tenant"), "at least two tenants to keep apart")
    tenant_of: dict[str, str] = {}
    expanded = {}
    for tenant, globs in tenants.items():
        members = _matching(globs, (*place, tenant), names, faults)
        expanded[tenant] = members
        for member in members if isinstance(members, list) else ():
            first = tenant_of.setdefault(str(member), tenant)
            if first != tenant:
                found = words(f"{member}, which is also {first}'s")
                faults.add((*place, tenant), found, "each workload with one tenant")
    return expanded


def _matching(globs: object, place: Place, names: list[str], faults: FaultList) -> object:
    """Return the names that match, in the spec's order; what is not a list as it is."""
    if not isinstance(globs, list) or not all(isinstance(glob, str) for glob in globs):
        return globs
    matched: set[str] = set()
    for index, glob in enumerate(globs):
        matches = fnmatch.filter(names, glob)
        matched.update(matches)
        if not matches:
            expected = f"a workload's name, or a glob that matches one of {listed(names)}"
            faults.add((*place, index), glob, expected, nearest(glob, names))
    return [name for name in dict.fromkeys(names) if name in matched]
