"""Google Cloud: machine types and prices by zone, quotas, holdings, running instances."""

from __future__ import annotations

from broker.provider import Provider, Settings, check_settings

__all__ = ["connect"]


def connect(settings: Settings) -> Provider:
    """Return the provider of one Google Cloud project.

    Args:
        settings: endpoints and options, see `providers.gcp.adapter.GoogleProvider`.

    Raises:
        ProviderError: for settings that cannot be right, such as an endpoint that would send
            credentials in plain text.
    """
    from providers.gcp.adapter import GoogleProvider
    from providers.gcp.clients import ENDPOINTS

    check_settings("gcp", settings, endpoints=ENDPOINTS, options=("project", "advice_types"))

    return GoogleProvider(settings)
