"""The user's configuration: which providers to refresh, where, and how much to keep.

``$XDG_CONFIG_HOME/broker/config.yaml``; every key may be left out::

    providers:
      aws:
        options: {profile: research}
      gcp:
        options: {project: my-project}
        endpoints: {compute: "http://127.0.0.1:4200"}
    refresh:
      regions: [us-east-1, eu-west-1]
      signals: false
      blocks: false
      tag: "broker:workload"
      keep: 30
      keep_days: 90
      deadline: 4m

Credentials never stand here: each provider's SDK finds them in its own way.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from broker.errors import BrokerError, Fault, SpecError
from broker.provider import Scope, Settings
from broker.spec_yaml import Document, Place, dotted, parse_document
from broker.units import parse_deadline

_T = TypeVar("_T")
#: Parts of names that secrets have; a configuration that holds one is refused.
_SECRET_WORDS: Final = ("secret", "password", "token", "access_key", "api_key", "credential")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What the configuration file says, defaults filled in.

    Attributes:
        providers: name -> settings; None: the file names none, all that are installed count.
        scope: what to look at.
        keep: how many of the newest snapshots to keep.
        keep_days: for how many days to keep the last snapshot of each day.
        deadline_s: seconds that one provider may take; None: the fetcher's own.
    """

    providers: Mapping[str, Settings] | None = None
    scope: Scope = field(default_factory=Scope)
    keep: int = 30
    keep_days: int = 90
    deadline_s: float | None = None


def config_path() -> Path:
    """Return where the configuration stands unless another file is named."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "broker" / "config.yaml"


def data_path() -> Path:
    """Return the folder of markets and other state."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "broker"


def read_configuration(path: Path | None = None) -> Configuration:
    """Return the configuration in `path`, or in its usual place, where it may be missing.

    Raises:
        SpecError: with every mistake in it.
        BrokerError: when a named file cannot be read.
    """
    file = path or config_path()
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if path is None:
            return Configuration()
        raise _unreadable(file, error) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, error) from error
    return _Reader(parse_document(text, source=str(file))).configuration()


def _unreadable(file: Path, error: OSError | UnicodeDecodeError) -> BrokerError:
    reason = getattr(error, "strerror", None) or "not UTF-8 text"
    return BrokerError(
        f"reading the configuration {file}: {reason}", remedy="name a file that can be read"
    )


class _Reader:
    """Reads a document, collecting faults."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._faults: dict[Place, Fault] = dict(document.faults)

    def configuration(self) -> Configuration:
        root = self._section(self._document.data, (), {"providers", "refresh"})
        providers = None
        if root.get("providers") is not None:
            named = self._section(root["providers"], ("providers",))
            providers = {name: self._settings(part, name) for name, part in named.items()}
        refresh = self._section(
            root.get("refresh"),
            ("refresh",),
            {"regions", "signals", "blocks", "tag", "keep", "keep_days", "deadline"},
        )
        configuration = Configuration(
            providers=providers,
            scope=Scope(
                regions=self._value(refresh, "regions", _names, None),
                signals=self._value(refresh, "signals", _flag, default=False),
                blocks=self._value(refresh, "blocks", _flag, default=False),
                tag=self._value(refresh, "tag", _text, Scope().tag),
            ),
            keep=self._value(refresh, "keep", _count, Configuration().keep),
            keep_days=self._value(refresh, "keep_days", _count, Configuration().keep_days),
            deadline_s=self._value(refresh, "deadline", parse_deadline, None),
        )
        if self._faults:
            raise SpecError(self._document.source, list(self._faults.values()))
        return configuration

    def _settings(self, part: object, name: str) -> Settings:
        place = ("providers", name)
        section = self._section(part, place, {"endpoints", "options"})
        return Settings(
            endpoints=self._texts(section.get("endpoints"), (*place, "endpoints")),
            options=self._texts(section.get("options"), (*place, "options")),
        )

    def _texts(self, part: object, place: Place) -> Mapping[str, str]:
        section = self._section(part, place)
        for name in section:
            if any(word in name.lower() for word in _SECRET_WORDS):
                self._fault(
                    (*place, name),
                    "what looks like a secret",
                    "no secrets in this file",
                    "remove it; credentials come from the provider's own SDK",
                )
        return {
            name: ",".join(map(str, value)) if isinstance(value, list) else str(value)
            for name, value in section.items()
        }

    def _section(
        self, part: object, place: Place, known: set[str] | None = None
    ) -> Mapping[str, object]:
        if part is None:
            return {}
        if not isinstance(part, dict):
            self._fault(place, f"{part!r}", "names with values")
            return {}
        for name in part:
            if known is not None and name not in known:
                self._fault(
                    (*place, name), f"the key {name!r}", f"one of {', '.join(sorted(known))}"
                )
        return {str(name): value for name, value in part.items()}

    def _value(
        self, section: Mapping[str, object], name: str, parse: Callable[[object], _T], default: _T
    ) -> _T:
        if section.get(name) is None:
            return default
        try:
            return parse(section[name])
        except ValueError as error:
            self._fault(("refresh", name), f"{section[name]!r}", str(error))
            return default

    def _fault(self, place: Place, found: str, expected: str, remedy: str = "") -> None:
        line = self._document.lines.get(place, 0)
        self._faults[place] = Fault(
            path=dotted(place), found=found, expected=expected, remedy=remedy, line=line
        )


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text")
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("a whole number of at least 1")
    return value


def _names(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("a list of names")
    return tuple(value)
