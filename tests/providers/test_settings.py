"""Settings that cannot be right are refused before anything is asked."""

from __future__ import annotations

import pytest

from broker.errors import ProviderError
from broker.provider import Connect, Settings
from providers import aws, azure, flatfile, gcp

NAMES = [
    (aws.connect, {"profil": "x"}, "found 'profil' among its options", "did you mean 'profile'"),
    (azure.connect, {"subscriptions": "x"}, "expected one of subscription,", "'subscription'"),
    (gcp.connect, {"projekt": "x"}, "found 'projekt'", "did you mean 'project'"),
    (flatfile.connect, {"path": "x"}, "found 'path'", "did you mean 'paths'"),
]


@pytest.mark.parametrize(("connect", "options", "found", "remedy"), NAMES)
def test_an_option_nobody_knows(
    connect: Connect, options: dict[str, str], found: str, remedy: str
) -> None:
    """A misspelt option is named with the nearest one, not passed over."""
    with pytest.raises(ProviderError, match=found) as caught:
        connect(Settings(options=options))
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("connect", "service"),
    [(aws.connect, "ec3"), (azure.connect, "price"), (gcp.connect, "computer")],
)
def test_an_endpoint_of_no_service(connect: Connect, service: str) -> None:
    """A misspelt service would leave the real cloud asked instead."""
    with pytest.raises(ProviderError, match=f"found '{service}' among its endpoints"):
        connect(Settings(endpoints={service: "http://127.0.0.1:4100"}))


def test_files_have_no_endpoints() -> None:
    """What a provider has none of is said as none."""
    with pytest.raises(ProviderError, match="expected one of none"):
        flatfile.connect(Settings(endpoints={"default": "http://127.0.0.1:4100"}))


@pytest.mark.parametrize(
    "endpoint",
    ["ftp://x", "http://example.com", "", "https://", "http://[::1", "http://127.0.0.1:port"],
)
@pytest.mark.parametrize(
    ("connect", "service"),
    [(aws.connect, "default"), (azure.connect, "management"), (gcp.connect, "compute")],
)
def test_an_endpoint_that_cannot_be_asked(connect: Connect, service: str, endpoint: str) -> None:
    """Other schemes, plain text to other machines and half addresses are refused."""
    with pytest.raises(ProviderError, match="expected an https:// address") as caught:
        connect(Settings(endpoints={service: endpoint}))
    assert ".endpoints in the configuration" in caught.value.remedy


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("block_hours", "24,soon"),
        ("block_hours", "0"),
        ("block_hours", ""),
        ("instance_types", ""),
        ("score_types", " , "),
    ],
)
def test_options_of_aws_that_say_nothing(option: str, value: str) -> None:
    """An empty list or hours that are no number would ask for nothing, or fail half-way."""
    with pytest.raises(ProviderError, match=f"aws: option `{option}`: found '{value}'"):
        aws.connect(Settings(options={option: value}))
