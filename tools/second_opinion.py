"""Hold the AWS adapter against moto, the independent emulator, for what moto serves well.

Moto knows real regions, zones, instance types and zone offerings; prices, reservations and quotas
it does not. Install ``moto[server]`` outside the project, then::

    moto_server -p 5000 &
    python -m tools.second_opinion http://127.0.0.1:5000 FOLDER_OF_MOTO

where the folder holds moto's own ``ec2/resources``. Prints one line for each check; ends with 1
when one fails.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from broker.fetching import ConcurrentFetcher, Patience
from broker.provider import Fetched, Row, Scope, Settings
from providers.aws.adapter import Aws
from providers.aws.answers import Answers
from providers.aws.read_types import read_machines

REGIONS = ("us-east-1", "eu-west-1")
#: What only moto's packaged data can tell; the rest it answers with errors or inventions.
SERVED = ("regions", "zones", "instance-types", "offerings")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("endpoint")
    parser.add_argument("moto", type=Path, help="folder of the installed package moto")
    asked = parser.parse_args(arguments)
    resources = asked.moto / "ec2" / "resources"
    checks = [*_type_checks(resources), *_wire_checks(asked.endpoint, resources)]
    for passed, text in checks:
        print("ok  " if passed else "FAIL", text)
    return 0 if all(passed for passed, _ in checks) else 1


def _type_checks(resources: Path) -> Iterator[tuple[bool, str]]:
    """Read every type moto knows: each device, FPGA and video apart, is a known accelerator."""
    rows: list[Row] = list(_packed(resources / "instance_types.json.gz").values())
    fetched = Fetched(dataset="instance-types", region="r", rows=rows, fetched_at=None)
    machines = read_machines(Answers([fetched]))
    unknown = sorted(one.name for one in machines.values() if one.unknown_card)
    cards = Counter(one.card.name for one in machines.values() if one.card)
    yield len(machines) == len(rows), f"{len(machines)} types read"
    yield not unknown, f"{cards.total()} accelerated types, {len(cards)} models; unknown {unknown}"
    devices = ("GpuInfo", "NeuronInfo", "InferenceAcceleratorInfo")
    bare = [
        one["InstanceType"]
        for one in rows
        if any(key in one for key in devices) and not machines[str(one["InstanceType"])].card
    ]
    yield not bare, f"types with devices and no accelerator: {bare}"


def _wire_checks(endpoint: str, resources: Path) -> Iterator[tuple[bool, str]]:
    """Compare what comes over HTTP with moto's packaged data."""
    os.environ.update(AWS_ACCESS_KEY_ID="moto", AWS_SECRET_ACCESS_KEY="moto")  # noqa: S106 - no secret
    provider = Aws(Settings(endpoints={"default": endpoint}))
    patience = Patience(tries=1, call_s=60)
    fetched = provider.collect(Scope(regions=REGIONS), ConcurrentFetcher(patience=patience))
    failed = [f"{one.dataset} {one.region}" for one in fetched if one.fault and _is_served(one)]
    yield not failed, f"datasets that moto serves and that failed: {failed}"
    answers = Answers(fetched)
    for region in REGIONS:
        asked = {str(row["InstanceType"]) for row in answers.rows("instance-types", region)}
        known = _packed(
            resources / "instance_type_offerings" / "availability-zone-id" / f"{region}.json.gz"
        )
        expected = {
            (one["InstanceType"], one["Location"]) for one in known if one["InstanceType"] in asked
        }
        rows = answers.rows("offerings", region)
        found = {(row["InstanceType"], row["Location"]) for row in rows}
        yield found == expected, f"{region}: {len(found)} offerings of {len(expected)}"


def _is_served(one: Fetched) -> bool:
    return one.dataset in SERVED


def _packed(path: Path) -> Any:
    return json.loads(gzip.decompress(path.read_bytes()))


if __name__ == "__main__":
    raise SystemExit(main())
