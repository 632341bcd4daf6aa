"""The doctor names what is wrong and what to do, and is quiet about the rest."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from broker.cli import main
from broker.doctor import embedded_market, folders, names, packages, program, providers


def test_an_old_python_is_told() -> None:
    """3.10 needs replacing, 3.11 does not."""
    assert [one.is_well for one in program((3, 11))] == [True, True]
    assert program((3, 10))[1].remedy == "run it with Python 3.11 or later"


def test_a_missing_package_is_told() -> None:
    """A requirement that is not installed comes with the command that installs it."""
    there, missing = packages(["click<9,>=8.1", "no-such-package>=1"])
    assert (there.subject, there.is_well) == ("click", True)
    assert (missing.found, missing.remedy) == (
        "not installed",
        "pip install 'no-such-package>=1'",
    )


def test_a_program_that_is_not_installed_is_told() -> None:
    """From a bare checkout no provider can be found, so that is said."""
    (found,) = packages(None)
    assert (found.subject, found.is_well) == ("gpu-capacity-broker", False)


def test_a_provider_without_its_module_is_told() -> None:
    """An entry point that leads nowhere is named; nothing is imported to find out."""
    group = "capacity_broker.providers"
    points = [
        EntryPoint(name="gone", value="no_such_module.adapter:connect", group=group),
        EntryPoint(name="aws", value="providers.aws:connect", group=group),
    ]
    aws, gone = providers(points)
    assert (aws.subject, aws.is_well) == ("aws", True)
    assert (gone.found, gone.is_well) == ("no module no_such_module.adapter", False)
    assert [one.is_well for one in providers([])] == [False]


def test_another_package_of_our_name_is_told() -> None:
    """A distribution that also brings `broker` is named with the command that removes it."""
    ours = "gpu-capacity-broker"
    owners = {"broker": [ours, "broker"], "providers": [ours, ours], "solver": [ours]}
    broker, *others = names(owners)
    assert broker.found == "also brought by broker"
    assert broker.remedy.startswith("pip uninstall broker")
    assert all(one.is_well for one in others)


def test_the_embedded_market_is_dated() -> None:
    """The market is read whole, and its dates and digest are told."""
    (market,) = embedded_market()
    assert market.is_well
    assert "62,384 offers, put together 2026-11-23, prices seen 2025-" in market.found


def test_folders_are_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A faulty configuration and a place that cannot be a folder are told apart."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert all(one.is_well for one in folders())
    (tmp_path / "broker").mkdir()
    (tmp_path / "broker" / "config.yaml").write_text("provider: {}\n")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "broker" / "config.yaml"))
    configuration, data = folders()
    assert "providers" in configuration.remedy + configuration.found
    assert not configuration.is_well
    assert data.remedy == "make it writable, or set XDG_DATA_HOME"


@pytest.mark.parametrize("form", ["table", "json"])
def test_command_shows_all_areas(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Both forms tell every area; the exit code is 1 exactly when something needs doing."""
    code = main(["doctor", "-o", form])
    text = capsys.readouterr().out
    for area in ("program", "package", "provider", "names", "market", "folder"):
        assert area in text
    trouble = (
        "!!" in text if form == "table" else text.count('"remedy": ""') < text.count("remedy")
    )
    assert code == int(trouble)
