"""Google Cloud: machine types and prices by zone, quotas, holdings, running instances."""

from __future__ import annotations

from broker.provider import Provider, Settings

__all__ = ["connect"]


def connect(settings: Settings) -> Provider:
    """Return the provider of one Google Cloud project.

    Args:
        settings: endpoints and options, see `providers.gcp.adapter.GoogleProvider`.

    Raises:
        ProviderError: for an endpoint that would send credentials in plain text.
    """
    from providers.gcp.adapter import GoogleProvider

    return GoogleProvider(settings)
