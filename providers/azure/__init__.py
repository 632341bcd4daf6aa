"""The Azure adapter: Resource Manager through the Compute SDK, and the Retail Prices API."""

from __future__ import annotations

from broker.provider import Provider, Settings, check_settings

__all__ = ["connect"]


def connect(settings: Settings) -> Provider:
    """Return the provider; nothing is imported from the SDKs and nothing is asked yet.

    Raises:
        ProviderError: for settings that cannot be right.
    """
    from providers.azure.adapter import AzureProvider

    check_settings(
        "azure",
        settings,
        endpoints=("management", "prices"),
        options=("subscription", "cpu_generations", "score_sizes"),
    )
    return AzureProvider(settings)
