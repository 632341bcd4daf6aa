"""`broker emulate` stands in for the clouds and `broker refresh` writes what they tell."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from broker.cli import main
from broker.settings import data_path
from broker.snapshot import read_market
from providers.emulation.faults import Fault, Trouble
from providers.emulation.server import Emulator
from tests.providers.aws.cloud import KEYS, emulator_of, small_market

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _declared(distribution: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(distribution))
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with emulator_of(small_market()) as running:
        yield running


@pytest.fixture
def config(emulator: Emulator, tmp_path: Path) -> str:
    """Return the path of a configuration that points at the emulator."""
    path = tmp_path / "config.yaml"
    path.write_text(
        f"providers:\n  aws:\n    endpoints: {{default: '{emulator.url}'}}\n"
        "    options: {instance_types: ['p*', 'g*', 'c7i.*']}\n"
    )
    return str(path)


def test_a_refresh_writes_a_snapshot(config: str, capsys: Capture) -> None:
    """All fresh: exit code 0, a table on standard output, a market behind `latest`."""
    assert main(["refresh", "--config", config]) == 0
    told = capsys.readouterr().out
    assert re.search(r"^aws +instance-types +2 +0 +0$", told, re.MULTILINE)
    assert re.search(r"^\d+ offers, 0 gaps$", told, re.MULTILINE)
    latest = read_market([data_path() / "markets" / "latest"])
    assert latest.offers.height == small_market().offers.height
    assert latest.gaps.is_empty()


def test_gaps_have_their_own_exit_code(emulator: Emulator, config: str, capsys: Capture) -> None:
    """A region that is down: code 5, the rest written; the next day old rows stand in."""
    assert main(["refresh", "--config", config, "-o", "json"]) == 0
    capsys.readouterr()
    emulator.faults.add(
        Fault(
            trouble=Trouble.REFUSE,
            code="UnauthorizedOperation",
            status=403,
            operation="DescribeInstanceTypes",
            region="eu-west-1",
            times=None,
        )
    )
    assert main(["refresh", "--config", config, "-o", "json"]) == 5
    told = json.loads(capsys.readouterr().out)
    types = next(one for one in told["datasets"] if one["dataset"] == "instance-types")
    assert types == {
        "provider": "aws",
        "dataset": "instance-types",
        "fresh": 1,
        "stale": 1,
        "missing": 0,
        "code": "UnauthorizedOperation",
    }
    market = read_market([told["market"]])
    assert market.gaps["stale_since"].null_count() == 0
    assert market.offers.height == told["offers"] == small_market().offers.height
    assert main(["refresh", "--config", config]) == 5
    line = "aws UnauthorizedOperation: instance-types eu-west-1: allow ec2:DescribeInstanceTypes"
    assert line in capsys.readouterr().out


def test_out_writes_a_folder_of_ones_own(config: str, tmp_path: Path) -> None:
    """With `--out` the market stands there and no snapshot is made."""
    out = tmp_path / "market"
    assert main(["refresh", "--config", config, "--region", "us-east-1", "--out", str(out)]) == 0
    assert set(read_market([out]).offers["region"]) >= {"us-east-1"}
    assert list((data_path() / "markets").glob("2*")) == []


def test_no_secret_is_written_anywhere(emulator: Emulator, config: str, capsys: Capture) -> None:
    """Neither markets, kept rows nor what is told hold the keys, not even when calls fail."""
    emulator.faults.add(
        Fault(
            trouble=Trouble.REFUSE,
            code="UnauthorizedOperation",
            status=403,
            message=" ".join(KEYS.values()),
            operation="DescribeReservedInstances",
            times=None,
        )
    )
    assert main(["-vv", "refresh", "--config", config]) == 5
    told = "".join(capsys.readouterr())
    files = [path for path in data_path().rglob("*") if path.is_file() and not path.is_symlink()]
    said = [told, *map(plain_text, files)]
    assert len(files) > 20
    for canary in KEYS.values():
        assert not any(canary in text for text in said)


def plain_text(path: Path) -> str:
    """Return what a written file says, unpacked."""
    if path.suffix == ".parquet":
        return pl.read_parquet(path).write_json()
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode()


def test_credentials_that_are_missing_are_told(
    config: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """Nothing to ask with: code 5, one message, its remedy, no traceback, no snapshot."""
    for name in KEYS:
        monkeypatch.delenv(name)
    assert main(["refresh", "--config", config]) == 5
    told = capsys.readouterr().err
    assert "connecting to aws: found no credentials" in told
    assert "aws configure" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["refresh", "--provider", "aws2"], 1, "did you mean 'aws'"),
        (["refresh", "--deadline", "soon"], 64, "expected a duration such as"),
        (["refresh", "--deadline", "0s"], 64, "expected a duration of more than 0"),
        (["refresh", "--tag", ""], 64, "expected the key of a tag"),
        (["refresh", "--config", "/none.yaml"], 1, "No such file"),
        (["emulate", "oracle"], 1, "found no such name"),
        (["emulate", "aws", "--fault", "explode"], 64, "one of refuse"),
        (["emulate", "aws", "--fault", "slow delay_s=x"], 64, "delay_s= seconds of 0 or more"),
        (["emulate", "aws", "--fault", "slow delay_s=-1"], 64, "found '-1'"),
        (["emulate", "aws", "--fault", "refuse page=0"], 64, "page= a whole number from 1"),
        (["emulate", "aws", "--fault", "refuse status=200"], 64, "from 400 to 599"),
        (["emulate", "aws", "--fault", "refuse 'x"], 64, "closed quotation marks"),
        (["emulate", "aws", "--port", "99999"], 64, "0<=x<=65535"),
        (["emulate", "aws", "--port", "-1"], 64, "0<=x<=65535"),
        (["emulate"], 64, "Missing argument"),
    ],
)
def test_mistakes(arguments: list[str], code: int, message: str, capsys: Capture) -> None:
    """A wrong name, value or file is one message and a documented exit code."""
    assert main(arguments) == code
    assert message in capsys.readouterr().err


def test_a_port_that_is_taken(emulator: Emulator, capsys: Capture) -> None:
    """Another program on the port is an error with what to do, not a bug of ours."""
    port = emulator.url.rpartition(":")[2]
    assert main(["emulate", "aws", "--port", port]) == 1
    told = capsys.readouterr().err
    assert f"emulating aws on port {port}: Address already in use" in told
    assert "name another port" in told


def program(*arguments: str, distribution: Path) -> subprocess.Popen[str]:
    """Start the command line in a process of its own."""
    environment = os.environ | {"PYTHONPATH": f"{distribution}{os.pathsep}{ROOT}"}
    return subprocess.Popen(  # noqa: S603 - our interpreter and arguments
        [sys.executable, "-m", "broker", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_requests(emulator: Emulator, count: int) -> None:
    """Wait until `count` requests have come."""
    for _ in range(600):
        if len(emulator.log) >= count:
            return
        time.sleep(0.05)
    raise TimeoutError(f"{count} requests never came")


def test_ctrl_c_leaves_the_last_snapshot_whole(
    emulator: Emulator, config: str, distribution: Path
) -> None:
    """Interrupted in mid-refresh: code 130, yesterday's market untouched, no rubbish.

    It waits for no answer: those come after a minute, and each call would be asked four times.
    """
    assert main(["refresh", "--config", config]) == 0
    markets = data_path() / "markets"
    before = sorted(path.name for path in markets.iterdir())
    emulator.forget()
    emulator.latency_s = 60
    running = program("refresh", "--config", config, distribution=distribution)
    wait_for_requests(emulator, 1)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=50)
    assert running.returncode == 130, told
    assert re.search("traceback", told, re.IGNORECASE) is None
    assert sorted(path.name for path in markets.iterdir()) == before
    assert read_market([markets / "latest"]).offers.height == small_market().offers.height


def test_emulate_prints_a_configuration_that_works(
    distribution: Path, tmp_path: Path, capsys: Capture
) -> None:
    """What `broker emulate` prints is a configuration for `broker refresh`; ctrl-C ends it."""
    served = program("emulate", "aws", "--latency", "1ms", distribution=distribution)
    assert served.stdout is not None
    lines = [served.stdout.readline() for _ in range(6)]
    path = tmp_path / "emulated.yaml"
    path.write_text("".join(lines))
    try:
        assert lines[0] == "# export AWS_ACCESS_KEY_ID=emulated\n"
        arguments = ["refresh", "--config", str(path), "--region", "eu-west-2"]
        assert main([*arguments, "--out", str(tmp_path / "m")]) == 0
    finally:
        served.send_signal(signal.SIGINT)
        served.communicate(timeout=60)
    assert served.returncode == 0
    assert "0 gaps" in capsys.readouterr().out
