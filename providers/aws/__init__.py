"""Amazon EC2: what an account can see, through boto3.

`sessions` makes the clients, `fetch` talks to them and keeps no logic, `rounds` lists the calls,
`errors` says what a failure means; the `read_*` modules turn rows into tables without any SDK.
"""

from __future__ import annotations

from broker.provider import Provider, Settings


def connect(settings: Settings) -> Provider:
    """Return the adapter for `settings`; nothing is asked of the network yet.

    Options: ``profile``, ``home_region``, ``instance_types``, ``score_types``, ``block_hours``.
    Endpoints: ``ec2``, ``pricing``, ``savingsplans``, ``service-quotas``, ``spot-advisor``, or
    ``default`` for all of them.
    """
    from providers.aws.adapter import Aws

    return Aws(settings)
