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
from broker.spec_faults import ONE_OR_MORE, VERBS, Here, listed, nearest, words
from broker.spec_shapes import expand_shapes
from broker.units import decimal_of, plain

KINDS: Final = ("training", "services", "batch")

_PLACES_VERBS: Final = ("only", "never")
_CLAIM: Final = "first_refusal"
_RULE_KEYS: Final = ("workloads", "tenants", "margin", "from", "until", "why", *VERBS)
_EXPECTED_VERB: Final = "exactly one of only, never, apart, together, alone, first_refusal"

Raw = dict[str, object]


def expand(data: Raw, here: Here) -> Raw:
    """Return a spec's data with every short form written out."""
    note_empty(data, here)
    expanded = dict(data)
    if isinstance(data.get("market"), str):
        expanded["market"] = [data["market"]]
    groups = _groups(data, here.at("policy", "country_groups"))
    for kind in KINDS:
        entries = data.get(kind)
        if isinstance(entries, list):
            expanded[kind] = [
                _workload(entry, here.at(kind, index), groups=groups)
                if isinstance(entry, dict)
                else entry
                for index, entry in enumerate(entries)
            ]
    policy = data.get("policy")
    if isinstance(policy, dict):
        names = names_of(data)
        expanded["policy"] = _policy(policy, here.at("policy"), names=names, groups=groups)
    quotas = data.get("quotas")
    if isinstance(quotas, list):
        expanded["quotas"] = [
            _quota(quota, here.at("quotas", index)) if isinstance(quota, dict) else quota
            for index, quota in enumerate(quotas)
        ]
    return expanded


def _quota(quota: Raw, here: Here) -> Raw:
    """Return a quota with the canonical name of the one accelerator model it limits."""
    name = quota.get("accelerator")
    if not isinstance(name, str):
        return quota
    inside = here.at("accelerator")
    try:
        known = canonical(name)
    except UnknownAccelerator as error:
        remedy = f"did you mean {' or '.join(error.nearest)}?" if error.nearest else ""
        inside.fault(name, expected="a known accelerator", remedy=remedy)
        return quota
    if len(known) > 1:
        expected = f"one model: {' or '.join(one.name for one in known)}"
        inside.fault(name, expected=expected, remedy="state a quota for each")
    return {**quota, "accelerator": known[0].name}


def note_empty(value: object, here: Here) -> None:
    """Note every empty list, and every key without a value, inside `value`."""
    if value is None and here.place:
        remedy = "write a value, or leave the key out"
        here.fault(None, expected="a value", remedy=remedy)
    elif isinstance(value, list):
        if not value:
            remedy = "name something, or leave the key out"
            here.fault(value, expected="a list of at least one", remedy=remedy)
        for index, item in enumerate(value):
            note_empty(item, here.at(index))
    elif isinstance(value, dict):
        for key, item in value.items():
            note_empty(item, here.at(key))


def _workload(entry: Raw, here: Here, *, groups: Mapping[str, frozenset[str]]) -> Raw:
    expanded = expand_shapes(entry, here)
    where = expanded.get("where")
    if isinstance(where, dict) and isinstance(where.get("residency"), list):
        inside = here.at("where", "residency")
        countries = _countries(where["residency"], inside, groups=groups)
        expanded["where"] = {**where, "residency": countries}
    data = expanded.get("data")
    if isinstance(data, dict) and "in" in data:
        expanded["data"] = {**data, "in": _region(data["in"])}
    if isinstance(expanded.get("reads"), dict):
        expanded["reads"] = [expanded["reads"]]
    demand = expanded.get("demand")
    if isinstance(demand, list):
        expanded["demand"] = [
            {**load, "from": _origin(load["from"], here.at("demand", index, "from"))}
            if isinstance(load, dict) and "from" in load
            else load
            for index, load in enumerate(demand)
        ]
    return expanded


def _region(name: object) -> object:
    """Return ``provider/region`` of a region whose bare name only one cloud has."""
    found = regions_named().get(name, ()) if isinstance(name, str) else ()
    return f"{found[0].provider}/{found[0].region}" if len(found) == 1 else name


def _origin(origin: object, here: Here) -> object:
    """Return a metro's id, a region or ``lat,lon``, whichever way it was written."""
    if isinstance(origin, dict):
        return _point(origin, here)
    if isinstance(origin, str) and origin in metro_ids():
        return metro_ids()[origin]
    return _region(origin)


def _point(point: Raw, here: Here) -> str:
    """Return ``lat,lon`` of a point given as a mapping."""
    form = "{lat: -90..90, lon: -180..180}, in degrees"
    try:
        latitude, longitude = decimal_of(point.get("lat")), decimal_of(point.get("lon"))
    except ValueError:
        latitude, longitude = Decimal(999), Decimal(999)
    if set(point) != {"lat", "lon"} or abs(latitude) > 90 or abs(longitude) > 180:
        here.fault(point, expected=form)
    return f"{plain(latitude)},{plain(longitude)}"


def _groups(data: Raw, here: Here) -> Mapping[str, frozenset[str]]:
    """Return the shipped and the user's own groups of countries; the user's may name others."""
    groups = dict(country_groups())
    policy = data.get("policy")
    own = policy.get("country_groups") if isinstance(policy, dict) else None
    for name, members in own.items() if isinstance(own, dict) else ():
        place = here.at(name)
        if name in COUNTRIES or name in country_groups():
            found = words(f"`{name}`, which is a country or a shipped group")
            place.fault(found, expected="a name of its own", remedy="choose another name")
        elif isinstance(members, list):
            groups[name] = frozenset(_countries(members, place, groups=groups))
        else:
            groups[name] = frozenset()
    return groups


def _countries(
    members: list[object], here: Here, *, groups: Mapping[str, frozenset[str]]
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
            remedy = _country_remedy(str(member), groups)
            here.at(index).fault(member, expected=expected, remedy=remedy)
    return sorted(countries)


def _country_remedy(member: str, groups: Iterable[str]) -> str:
    if member == "UK":
        return "the United Kingdom is GB"
    if member.upper() in COUNTRIES or member.upper() in groups:
        return f"write {member.upper()}"
    return nearest(member, groups)


def names_of(data: Raw) -> list[str]:
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
    policy: Raw, here: Here, *, names: list[str], groups: Mapping[str, frozenset[str]]
) -> Raw:
    expanded = dict(policy)
    rules = policy.get("exclusivity")
    if isinstance(rules, list):
        expanded["exclusivity"] = [
            _rule(rule, here.at("exclusivity", index), names=names)
            if isinstance(rule, dict)
            else rule
            for index, rule in enumerate(rules)
        ]
    for key in ONE_OR_MORE:
        if isinstance(policy.get(key), dict):
            expanded[key] = [policy[key]]
    controls = expanded.get("export_control")
    if isinstance(controls, list):
        expanded["export_control"] = [
            _control(rule, here.at("export_control", index), groups=groups)
            if isinstance(rule, dict)
            else rule
            for index, rule in enumerate(controls)
        ]
    own = policy.get("country_groups")
    if isinstance(own, dict):
        expanded["country_groups"] = {
            name: sorted(groups.get(name, ())) if isinstance(members, list) else members
            for name, members in own.items()
        }
    return expanded


def _control(rule: Raw, here: Here, *, groups: Mapping[str, frozenset[str]]) -> Raw:
    """Return a rule on exports with canonical models, and countries in place of groups."""
    expanded = dict(rule)
    models, countries = rule.get("accelerators"), rule.get("never")
    if isinstance(models, list):
        inside = here.at("accelerators")
        expanded["accelerators"] = list(
            dict.fromkeys(
                name
                for index, model in enumerate(models)
                for name in _models(model, inside.at(index))
            )
        )
    if isinstance(countries, list):
        expanded["never"] = _countries(countries, here.at("never"), groups=groups)
    return expanded


def _models(name: object, here: Here) -> list[object]:
    """Return the canonical names that a model's name stands for."""
    if not isinstance(name, str):
        return [name]
    try:
        return [one.name for one in canonical(name)]
    except UnknownAccelerator as error:
        remedy = f"did you mean {' or '.join(error.nearest)}?" if error.nearest else ""
        here.fault(name, expected="a known accelerator", remedy=remedy)
        return [name]


def _rule(rule: Raw, here: Here, *, names: list[str]) -> Raw:
    """Return a rule of exclusivity as ``{verb, scopes | scope, workloads | tenants, why}``."""
    for key in rule:
        if key not in _RULE_KEYS:
            remedy = nearest(key, _RULE_KEYS)
            here.at(key).fault(words(f"the unknown key `{key}`"), expected=_known(), remedy=remedy)
    verbs = [verb for verb in VERBS if verb in rule]
    if len(verbs) != 1 and not (here.is_faulty and not verbs):
        found = words(f"{' and '.join(verbs)}" if verbs else "no verb")
        (here.at(verbs[1]) if verbs else here).fault(found, expected=_EXPECTED_VERB)
    if len(verbs) != 1:
        return {"verb": "only"}
    verb = verbs[0]
    expanded: Raw = {"verb": verb}
    if verb == _CLAIM:
        expanded["scopes"] = _claimant(rule[verb], here.at(verb))
    else:
        expanded["scopes" if verb in _PLACES_VERBS else "scope"] = rule[verb]
        if "margin" in rule:
            found = words(f"margin beside {verb}")
            here.at("margin").fault(found, expected="margin only with first_refusal")
    expanded |= {key: rule[key] for key in ("margin", "from", "until", "why") if key in rule}
    return expanded | _members(rule, here, verb=verb, names=names)


def _claimant(provider: object, here: Here) -> object:
    """Return the one provider that has first refusal, as a list."""
    if isinstance(provider, str) and "/" not in provider:
        return [provider]
    here.fault(provider, expected="one provider, such as azure")
    return [""]


def _known() -> str:
    return f"one of {', '.join(_RULE_KEYS)}"


def _members(rule: Raw, here: Here, *, verb: str, names: list[str]) -> Raw:
    """Return whom a rule speaks of: `workloads`, or `tenants` of an `apart` rule."""
    if "tenants" in rule:
        if "workloads" in rule or verb != "apart":
            found = words(f"tenants beside {'workloads' if 'workloads' in rule else verb}")
            here.at("tenants").fault(found, expected="tenants only with apart, without workloads")
        return {"tenants": _tenants(rule["tenants"], here.at("tenants"), names=names)}
    if "workloads" not in rule:
        remedy = "name them, globs such as chat-* allowed"
        here.fault(words("no workloads"), expected="the workloads it speaks of", remedy=remedy)
        return {}
    return {"workloads": matching_names(rule["workloads"], here.at("workloads"), names=names)}


def _tenants(tenants: object, here: Here, *, names: list[str]) -> object:
    if not isinstance(tenants, dict):
        return tenants
    if len(tenants) == 1:
        here.fault(words("one tenant"), expected="at least two tenants to keep apart")
    tenant_of: dict[str, str] = {}
    expanded = {}
    for tenant, globs in tenants.items():
        members = matching_names(globs, here.at(tenant), names=names)
        expanded[tenant] = members
        for member in members if isinstance(members, list) else ():
            first = tenant_of.setdefault(str(member), tenant)
            if first != tenant:
                found = words(f"{member}, which is also {first}'s")
                here.at(tenant).fault(found, expected="each workload with one tenant")
    return expanded


def matching_names(globs: object, here: Here, *, names: list[str]) -> object:
    """Return the names that match, in the spec's order; what is not a list as it is."""
    if not isinstance(globs, list) or not all(isinstance(glob, str) for glob in globs):
        return globs
    matched: set[str] = set()
    known = set(names)
    for index, glob in enumerate(globs):
        matches = [glob] if glob in known else fnmatch.filter(names, glob)
        matched.update(matches)
        if not matches:
            expected = f"a workload's name, or a glob that matches one of {listed(names)}"
            here.at(index).fault(glob, expected=expected, remedy=nearest(glob, names))
    return [name for name in dict.fromkeys(names) if name in matched]
