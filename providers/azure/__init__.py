"""The Azure adapter: Resource Manager through the Compute SDK, and the Retail Prices API."""

from __future__ import annotations

from broker.provider import Provider, Settings

__all__ = ["connect"]


def connect(settings: Settings) -> Provider:
    """Return the provider; nothing is imported from the SDKs and nothing is asked yet."""
    from providers.azure.adapter import AzureProvider

    return AzureProvider(settings)
