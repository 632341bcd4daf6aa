"""Providers and emulators are found by entry point, and what is missing is explained."""

from pathlib import Path

import pytest

from broker.errors import MissingExtra, ProviderError, UnknownProvider
from broker.provider import Settings
from broker.registry import connect, emulator, emulator_names, provider_names

POINTS = """[capacity_broker.providers]
needy = needy_adapter:connect
wrong = needy_sound:nothing
sound = needy_sound:connect
"""


@pytest.fixture(autouse=True)
def _declared(distribution: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = tmp_path / "needy-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: needy\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(POINTS)
    (tmp_path / "needy_adapter.py").write_text("import an_sdk_that_nobody_has\n")
    (tmp_path / "needy_sound.py").write_text("def connect(settings):\n    return settings\n")
    monkeypatch.syspath_prepend(str(distribution))
    monkeypatch.syspath_prepend(str(tmp_path))


def test_ours_are_known() -> None:
    """Every cloud we ship is a provider and has an emulator."""
    assert {"aws", "azure", "gcp", "flatfile"} <= set(provider_names())
    assert {"aws", "azure", "gcp"} <= set(emulator_names())


def test_ours_connect() -> None:
    """Connecting by name gives the adapter of that name."""
    assert connect("aws", Settings()).name == "aws"
    assert callable(emulator("aws"))


def test_an_outside_package_is_enough() -> None:
    """An entry point of another package connects like ours."""
    settings = Settings(options={"a": "b"})
    assert connect("sound", settings) is settings  # type: ignore[comparison-overlap] # its own


def test_an_unknown_name_is_told_its_neighbour() -> None:
    """A misspelt name comes with the nearest one and all that are installed."""
    with pytest.raises(UnknownProvider) as caught:
        connect("azzure", Settings())
    assert "did you mean 'azure'?" in caught.value.remedy
    assert "aws" in caught.value.remedy


def test_a_missing_sdk_is_named() -> None:
    """An adapter whose SDK is not installed says which package is missing."""
    with pytest.raises(MissingExtra, match="an_sdk_that_nobody_has"):
        connect("needy", Settings())


def test_a_broken_entry_point_is_named() -> None:
    """An entry point that leads nowhere is an error of that provider alone."""
    with pytest.raises(ProviderError, match="wrong"):
        connect("wrong", Settings())
