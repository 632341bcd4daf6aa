"""Amazon EC2: what an account can see, through boto3.

`sessions` makes the clients, `fetch` talks to them and keeps no logic, `rounds` lists the calls,
`errors` says what a failure means; the `read_*` modules turn rows into tables without any SDK.
"""

from __future__ import annotations

from typing import Final

from broker.errors import ProviderError
from broker.provider import Provider, Settings, check_settings

_ENDPOINTS: Final = (
    *("ec2", "pricing", "savingsplans", "service-quotas", "spot-advisor"),
    "default",
)
_OPTIONS: Final = ("profile", "home_region", "instance_types", "score_types", "block_hours")


def connect(settings: Settings) -> Provider:
    """Return the adapter for `settings`; nothing is asked of the network yet.

    Options: ``profile``, ``home_region``, ``instance_types``, ``score_types``, ``block_hours``.
    Endpoints: ``ec2``, ``pricing``, ``savingsplans``, ``service-quotas``, ``spot-advisor``, or
    ``default`` for all of them.

    Raises:
        ProviderError: for settings that cannot be right.
    """
    from providers.aws.adapter import Aws

    check_settings("aws", settings, endpoints=_ENDPOINTS, options=_OPTIONS)
    for name in sorted({"instance_types", "score_types"} & settings.options.keys()):
        if not settings.options[name].strip(", "):
            raise _wrong(name, settings.options[name], "names of types, separated by commas")
    hours = settings.options.get("block_hours", "24").split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in hours):
        raise _wrong("block_hours", settings.options["block_hours"], "hours such as 24,168")
    return Aws(settings)


def _wrong(option: str, found: str, expected: str) -> ProviderError:
    return ProviderError(
        f"aws: option `{option}`: found {found!r}; expected {expected}",
        remedy="correct providers.aws.options in the configuration, or leave it out",
    )
