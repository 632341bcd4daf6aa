"""Read specs: a file, or data from a plan, to the domain's types; every fault at once.

Two steps. What a file says is read first, without any market (`read_spec`). Then every name in
it that must exist is looked up in a market (`broker.spec_market.check_against`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from broker.errors import Fault, MarketError, SpecError
from broker.market import Market
from broker.spec_checks import check
from broker.spec_data import spec_to_data
from broker.spec_faults import FaultList, Here, words
from broker.spec_file import read_document
from broker.spec_market import check_against
from broker.spec_shorthand import expand
from broker.spec_stability import check_stability, expand_stability
from broker.spec_validation import validated
from broker.spec_yaml import Document, parse_document
from broker.workloads import Spec

__all__ = [
    "SpecReading",
    "checked",
    "load_spec",
    "read_spec",
    "read_spec_data",
    "spec_from_data",
    "spec_to_data",
]

#: The version of the spec language that is read.
VERSION = 1

ReadMarket = Callable[[Sequence[str]], Market]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecReading:
    """What was understood of a file, and what was not.

    Attributes:
        source: the file's name.
        spec: its faultless part; None where nothing could be understood.
        faults: what is wrong; empty when `spec` is the whole of the file.
    """

    source: str
    spec: Spec | None
    faults: FaultList

    def whole(self) -> Spec:
        """Return the spec.

        Raises:
            SpecError: when there is any fault, with all of them.
        """
        if self.faults.found or self.spec is None:
            raise SpecError(self.source, self.faults.sorted())
        return self.spec


def load_spec(
    source: str | Path,
    *,
    markets: Sequence[str] | None = None,
    read_market: ReadMarket | None = None,
) -> Spec:
    """Return the spec that a file holds.

    Args:
        source: a YAML or JSON file; ``-`` is standard input.
        markets: take the place of the spec's own `market`; None: the spec's.
        read_market: reads the spec's market, against which the names of the spec are then
            checked (`broker.snapshot.read_market`); None: they are not checked.

    Raises:
        SpecError: with every fault of the file.
        BrokerError: when the file or the market cannot be read.
    """
    reading = read_spec(source, markets=markets)
    if read_market is not None and reading.spec is not None:
        try:
            market = read_market(reading.spec.market)
        except MarketError:
            reading.whole()
            raise
        check_against(reading.spec, market, Here(reading.faults))
    return reading.whole()


def read_spec(source: str | Path, *, markets: Sequence[str] | None = None) -> SpecReading:
    """Return what a file holds, its faults included, without looking at any market.

    Raises:
        SpecError: when it is not one YAML or JSON document.
        BrokerError: when it cannot be read.
    """
    reading = _understood(read_document(source))
    if markets is None or reading.spec is None:
        return reading
    return replace(reading, spec=replace(reading.spec, market=tuple(markets)))


def checked(spec: Spec, market: Market) -> Spec:
    """Return a spec that was made in Python, after every check that a file gets.

    Raises:
        SpecError: with every fault, by dotted path.
    """
    reading = _understood(Document(source="spec", data=spec_to_data(spec), lines={}))
    if reading.spec is not None:
        check_against(reading.spec, market, Here(reading.faults))
    return reading.whole()


def spec_from_data(data: Mapping[str, object], *, source: str = "spec") -> Spec:
    """Return the spec that plain data stands for, e.g. the one inside a plan.

    Raises:
        SpecError: with every fault.
    """
    return _understood(Document(source=source, data=dict(data), lines={})).whole()


def read_spec_data(data: Mapping[str, object], *, source: str = "spec") -> SpecReading:
    """Return what plain Python data says, read as if it stood in a JSON file.

    Dates, paths and decimals are taken as their texts. Faults name places, no lines.

    Raises:
        SpecError: when it is not data that JSON could hold.
    """
    try:
        text = json.dumps(dict(data), default=str)
    except (TypeError, ValueError) as error:
        fault = Fault(
            path="", found=str(error), expected="mappings with texts as keys, lists, texts"
        )
        raise SpecError(source, [fault]) from error
    document = parse_document(text, source=source)
    faults = {place: replace(fault, line=0) for place, fault in document.faults.items()}
    return _understood(replace(document, lines=dict.fromkeys(document.lines, 0), faults=faults))


def _understood(document: Document) -> SpecReading:
    faults = FaultList(lines=document.lines, found=dict(document.faults))
    spec = None
    if not isinstance(document.data, dict):
        expected = "a mapping with training, services or batch"
        found = words("an empty file") if document.data is None else document.data
        faults.add((), found, expected=expected, remedy="`broker init` writes a starter")
    elif _has_version(document.data, faults):
        here = Here(faults)
        data = expand_stability(expand(document.data, here), here.at("stability"))
        spec = validated(data, faults)
        if spec is not None:
            check(spec, document.data, here)
            check_stability(spec, here.at("stability"))
    return SpecReading(source=document.source, spec=spec, faults=faults)


def _has_version(data: Mapping[str, object], faults: FaultList) -> bool:
    version = data.get("version", VERSION)
    if isinstance(version, int) and version > VERSION:
        remedy = "this program is older than the spec: upgrade it"
        faults.add(("version",), version, expected=str(VERSION), remedy=remedy)
        return False
    return True
