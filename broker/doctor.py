"""What is installed here, and what stands in the way; nothing is imported to find it out."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from broker import __version__
from broker.errors import BrokerError
from broker.freshness import freshness
from broker.provider import ENTRY_POINT_GROUP
from broker.settings import config_path, data_path, read_configuration
from broker.snapshot import EMBEDDED, read_market

DISTRIBUTION: Final = "gpu-capacity-broker"
IMPORT_NAMES: Final = ("broker", "providers", "solver")
_OLDEST_PYTHON: Final = (3, 11)
_REQUIREMENT: Final = re.compile(r"[A-Za-z0-9._-]+")
_INSTALL: Final = "install the program into an environment of its own: pipx install ."


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        area: program, package, provider, names, market or folder.
        subject: what of it.
        found: what was found.
        remedy: what to do; "" when all is well.
    """

    area: str
    subject: str
    found: str
    remedy: str = ""

    @property
    def is_well(self) -> bool:
        """Whether nothing needs doing."""
        return not self.remedy


def examine() -> tuple[Finding, ...]:
    """Look at the program, its packages, providers, names, embedded market and folders."""
    return (
        *program(sys.version_info[:2]),
        *packages(_requirements()),
        *providers(metadata.entry_points(group=ENTRY_POINT_GROUP)),
        *names(metadata.packages_distributions()),
        *embedded_market(),
        *folders(),
    )


def program(version: tuple[int, int]) -> tuple[Finding, ...]:
    """Judge the Python that runs this; `version` is major and minor."""
    needed = ".".join(map(str, _OLDEST_PYTHON))
    remedy = "" if version >= _OLDEST_PYTHON else f"run it with Python {needed} or later"
    return (
        Finding(area="program", subject="broker", found=__version__),
        Finding(
            area="program",
            subject="python",
            found=f"{platform.python_version()} at {sys.executable}",
            remedy=remedy,
        ),
    )


def packages(requirements: Sequence[str] | None) -> Iterable[Finding]:
    """Look up each required package; None: the program itself is not installed."""
    if requirements is None:
        yield Finding(area="package", subject=DISTRIBUTION, found="not installed", remedy=_INSTALL)
    for requirement in requirements or ():
        found = _REQUIREMENT.match(requirement)
        name = found.group() if found else requirement
        try:
            yield Finding(area="package", subject=name, found=metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Finding(
                area="package",
                subject=name,
                found="not installed",
                remedy=f"pip install '{requirement}'",
            )


def providers(points: Iterable[metadata.EntryPoint]) -> Iterable[Finding]:
    """Say for each registered provider where its adapter is, without importing it."""
    registered = sorted(points, key=lambda point: point.name)
    if not registered:
        yield Finding(area="provider", subject="-", found="none registered", remedy=_INSTALL)
    for point in registered:
        is_there = _is_importable(point.module)
        origin = f" from {point.dist.name} {point.dist.version}" if point.dist else ""
        yield Finding(
            area="provider",
            subject=point.name,
            found=f"{point.value}{origin}" if is_there else f"no module {point.module}",
            remedy="" if is_there else "install the package that brings it again",
        )


def names(owners: Mapping[str, Sequence[str]]) -> Iterable[Finding]:
    """Say whether another distribution brings a package with one of our names.

    Args:
        owners: import name -> distributions that bring it.
    """
    for name in IMPORT_NAMES:
        others = sorted(set(owners.get(name, ())) - {DISTRIBUTION})
        yield Finding(
            area="names",
            subject=name,
            found=f"also brought by {', '.join(others)}" if others else "ours alone",
            remedy=f"pip uninstall {' '.join(others)}, or {_INSTALL}" if others else "",
        )


def embedded_market() -> tuple[Finding, ...]:
    """Read the market that ships with the program; its hash is checked on the way."""
    try:
        market = read_market(EMBEDDED)
    except BrokerError as error:
        return (Finding(area="market", subject=EMBEDDED, found=error.message, remedy=_INSTALL),)
    ages = freshness(market.offers)
    found = (
        f"{market.offers.height:,} offers, put together {market.taken_at.date()}, "
        f"prices seen {ages.oldest} to {ages.newest}, digest {market.digest[:12]}"
    )
    return (Finding(area="market", subject=EMBEDDED, found=found),)


def folders() -> Iterable[Finding]:
    """Judge the configuration file and the folder for markets and state."""
    path = config_path()
    try:
        read_configuration(path if path.exists() else None)
        found, remedy = str(path) if path.exists() else f"{path}: none; defaults hold", ""
    except BrokerError as error:
        found, remedy = error.message, error.remedy or "correct the file"
    yield Finding(area="folder", subject="configuration", found=found, remedy=remedy)
    yield _data_folder(data_path())


def _data_folder(path: Path) -> Finding:
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    is_usable = nearest.is_dir() and os.access(nearest, os.W_OK)
    state = "" if path.exists() else ": none yet; refresh makes it"
    return Finding(
        area="folder",
        subject="data",
        found=f"{path}{state}" if is_usable else f"{path}: {nearest} cannot be written",
        remedy="" if is_usable else "make it writable, or set XDG_DATA_HOME",
    )


def _requirements() -> list[str] | None:
    """Requirements of the installed program that no extra asks for; None: not installed."""
    try:
        stated = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return None
    return sorted(one for one in stated if "extra ==" not in one)


def _is_importable(module: str) -> bool:
    """Whether `module` can be found; only packages above it are imported."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
