"""Every adapter that ships passes the contract its authors are asked to pass."""

import os
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest

from broker.market import Market
from broker.provider import Provider, Scope, Settings
from broker.snapshot import read_market
from broker.testing import ProviderContract
from providers import aws, azure, flatfile, gcp
from providers.emulation import gcp as emulated_gcp
from providers.emulation.aws import filled
from providers.emulation.azure import SUBSCRIPTION
from providers.emulation.azure_world import emulate as emulate_azure
from providers.emulation.server import Emulator

#: A port on which nothing listens.
NOWHERE = "http://127.0.0.1:9"
REGIONS = {
    "aws": ("us-east-1", "eu-west-1"),
    "azure": ("eastus", "westeurope"),
    "gcp": ("us-central1", "europe-west4"),
}


def part_of(provider: str) -> Market:
    """Return the embedded market's offers of one provider in two regions."""
    whole = read_market("embedded")
    is_here = (pl.col("provider") == provider) & pl.col("region").is_in(REGIONS[provider])
    return replace(whole, offers=whole.offers.filter(is_here))


class TestGoogle(ProviderContract):
    """Google Cloud, with signals and calendar windows."""

    scope = Scope(signals=True, blocks=True)
    emulator: ClassVar[emulated_gcp.GoogleEmulator]

    @classmethod
    def setup_class(cls) -> None:
        """Start the emulator."""
        cls.emulator = emulated_gcp.emulate(part_of("gcp"))
        cls.emulator.start()

    @classmethod
    def teardown_class(cls) -> None:
        """Stop the emulator."""
        cls.emulator.stop()

    def provider(self) -> Provider:
        """Return the adapter at the emulator."""
        options = {"project": "p", "advice_types": "a3-highgpu-8g"}
        return gcp.connect(Settings(endpoints=self.emulator.endpoints, options=options))

    def unreachable(self) -> Provider:
        """Return the adapter at a closed port."""
        endpoints = {"compute": NOWHERE, "quotas": NOWHERE, "billing": "127.0.0.1:9"}
        return gcp.connect(Settings(endpoints=endpoints, options={"project": "p"}))


class TestAmazon(ProviderContract):
    """AWS, with keys that open nothing."""

    scope = Scope(regions=REGIONS["aws"])
    emulator: ClassVar[Emulator]

    @classmethod
    def setup_class(cls) -> None:
        """Start the emulator."""
        cls.emulator = Emulator(filled(part_of("aws")))
        cls.emulator.start()

    @classmethod
    def teardown_class(cls) -> None:
        """Stop the emulator."""
        cls.emulator.stop()

    @pytest.fixture(autouse=True)
    def _keys(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody")

    def provider(self) -> Provider:
        """Return the adapter at the emulator."""
        return aws.connect(self._settings(self.emulator.url))

    def unreachable(self) -> Provider:
        """Return the adapter at a closed port."""
        return aws.connect(self._settings(NOWHERE))

    @staticmethod
    def _settings(url: str) -> Settings:
        return Settings(
            endpoints={"default": url}, options={"instance_types": "p*,g6*,trn*,c7i.*"}
        )


class TestAzure(ProviderContract):
    """Azure, with a managed identity of no worth."""

    scope = Scope(regions=REGIONS["azure"])
    emulator: ClassVar[Emulator]

    @classmethod
    def setup_class(cls) -> None:
        """Start the emulator."""
        cls.emulator = emulate_azure(part_of("azure"))
        cls.emulator.start()

    @classmethod
    def teardown_class(cls) -> None:
        """Stop the emulator."""
        cls.emulator.stop()

    @pytest.fixture(autouse=True)
    def _identity(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{self.emulator.url}/msi")
        monkeypatch.setenv("IDENTITY_HEADER", "local")

    def provider(self) -> Provider:
        """Return the adapter at the emulator."""
        return azure.connect(self._settings(self.emulator.url))

    def unreachable(self) -> Provider:
        """Return the adapter at a closed port."""
        os.environ["IDENTITY_ENDPOINT"] = f"{NOWHERE}/msi"
        return azure.connect(self._settings(NOWHERE))

    @staticmethod
    def _settings(url: str) -> Settings:
        endpoints = {"management": url, "prices": url}
        return Settings(endpoints=endpoints, options={"subscription": SUBSCRIPTION})


class TestFlatFile(ProviderContract):
    """Offers from a file."""

    names_others = True

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        (tmp_path / "quotes.csv").write_text(
            "provider,region,instance_type,accelerator,accelerators,vcpus,memory_gib,option,"
            "usd_per_hour,source,observed_at\n"
            "neocloud,eu-1,h100.8,H100,8,192,2048,on-demand,18.40,quote 7,2026-11-01\n"
            "neocloud,eu-1,h100.8,H100,8,192,2048,spot,11.20,quote 7,2026-11-01\n"
            "colo,berlin,epyc.64,,0,64,256,on-demand,1.10,invoice,2026-10-01\n",
            encoding="utf-8",
        )

    def provider(self) -> Provider:
        """Return the adapter with one file."""
        return self._reading("quotes.csv")

    def unreachable(self) -> Provider:
        """Return the adapter with a file that is not there."""
        return self._reading("gone.csv")

    def _reading(self, name: str) -> Provider:
        return flatfile.connect(Settings(options={"paths": str(self.folder / name)}))
