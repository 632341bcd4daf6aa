"""The installed command plans, and ends as the manual says, whatever happens to it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .commands import MARKET, SPEC, broker, command, environment

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a small spec and a small market."""
    (tmp_path / "spec.yaml").write_text(SPEC)
    (tmp_path / "market.csv").write_text(MARKET)
    return tmp_path


def test_quickstart_is_planned_and_explained(tmp_path: Path) -> None:
    """The quickstart is planned on the embedded market, kept, and explained from the file."""
    shutil.copy(EXAMPLES / "quickstart.yaml", tmp_path)
    done = broker("plan", "quickstart.yaml", "--out", "plan.json", folder=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert done.stdout.startswith("Plan for 730 h")
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert {one["workload"] for one in plan["placements"]} == {
        "finetune", "chat", "embeddings", "transcode"
    }  # fmt: skip
    assert (tmp_path / "plan.json").stat().st_mode & 0o777 == 0o600
    why = broker("explain", "plan.json", "chat", folder=tmp_path)
    assert (why.returncode, why.stdout.split("\n")[0]) == (0, "chat")


def test_whole_plan_ends_with_0(folder: Path) -> None:
    """Two machines of 50 USD for ten hours cost 1,000 USD."""
    done = broker("plan", "spec.yaml", "--market", "market.csv", "-o", "json", folder=folder)
    assert done.returncode == 0
    assert json.loads(done.stdout)["cost"]["total"] == "1000.00"


def test_tonight_begins_with_the_plan_of_yesterday(folder: Path) -> None:
    """Prices turn, the plan of yesterday is the start: the optimum is that of a plan made anew."""
    other = "gcp,europe-west4,europe-west4-a,a3-highgpu-8g,H100,8,rdma,on-demand,60,5\n"
    (folder / "market.csv").write_text(MARKET + other)
    arguments = ["plan", "spec.yaml", "--market", "market.csv", "--no-baseline"]
    assert broker(*arguments, "--out", "yesterday.json", folder=folder).returncode == 0
    (folder / "market.csv").write_text(MARKET + other.replace(",60,", ",40,"))
    warm = ["--warm-start", "yesterday.json", "--out", "today.json"]
    done = broker(*arguments, *warm, folder=folder)
    assert (done.returncode, done.stderr) == (
        0,
        "began with 1 of the 1 placements of yesterday.json\nplan written to today.json\n",
    )
    assert broker(*arguments, "--out", "anew.json", folder=folder).returncode == 0
    today, anew = (json.loads((folder / f"{name}.json").read_text()) for name in ("today", "anew"))
    assert today["cost"]["total"] == anew["cost"]["total"] == "800.00"
    assert today["placements"] == anew["placements"]
    assert (today["warm_start"]["standing"], anew["warm_start"]) == (1, None)


def test_unmet_demand_ends_with_3(folder: Path) -> None:
    """A gang of six machines where there are five is unmet; the plan is written all the same."""
    (folder / "spec.yaml").write_text(SPEC.replace("H100:16", "H100:48"))
    arguments = ["plan", "spec.yaml", "--market", "market.csv", "--out", "plan.json"]
    assert broker(*arguments, folder=folder).returncode == 3
    (unmet,) = json.loads((folder / "plan.json").read_text())["unmet"]
    assert unmet["workload"] == "run"


@pytest.mark.parametrize(
    ("arguments", "expected", "said"),
    [
        (["plan", "nowhere.yaml"], 1, "nowhere.yaml"),
        (["plan", "spec.yaml", "--market", "nowhere"], 1, "nowhere"),
        (["plan", "."], 1, "folder"),
        (["plan"], 64, "SPEC"),
        (["plan", "spec.yaml", "--gap", "95"], 64, "--gap"),
        (["plna", "spec.yaml"], 64, "plan"),
    ],
)
def test_mistakes_end_with_their_code(
    arguments: list[str], expected: int, said: str, folder: Path
) -> None:
    """Errors in the input end with 1, wrong usage with 64, each with one message."""
    done = broker(*arguments, folder=folder)
    assert (done.returncode, done.stdout) == (expected, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_standard_input_is_a_spec(folder: Path) -> None:
    """`-` reads the spec from standard input."""
    done = broker("plan", "-", "--market", "market.csv", "-o", "csv", folder=folder, stdin=SPEC)
    assert done.returncode == 0
    assert "p5.48xlarge" in done.stdout


def test_closed_pipe_is_no_error(folder: Path) -> None:
    """A reader that has gone is not complained to."""
    reading, writing = os.pipe()
    os.close(reading)
    done = broker("plan", "spec.yaml", "--market", "market.csv", folder=folder, stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_full_disk_is_told(folder: Path) -> None:
    """Where standard output has no room, one message says so and the code is 1."""
    with Path("/dev/full").open("w") as full:
        arguments = ["plan", "spec.yaml", "--market", "market.csv"]
        done = broker(*arguments, folder=folder, stdout=full.fileno())
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("out", ["missing/plan.json", "/proc/plan.json", "."])
def test_unwritable_out_leaves_nothing(out: str, folder: Path) -> None:
    """A plan that cannot be written ends with 1, and no part of it is left behind."""
    before = sorted(folder.iterdir())
    done = broker("plan", "spec.yaml", "--market", "market.csv", "--out", out, folder=folder)
    assert done.returncode == 1
    assert "error: writing" in done.stderr
    assert sorted(folder.iterdir()) == before


def wait_for_engine(process: subprocess.Popen[str]) -> None:
    """Return once the optimizer's engine, a child of the command, has started."""
    children = Path(f"/proc/{process.pid}/task")
    while not any(file.read_text() for file in children.glob("*/children")):
        assert process.poll() is None, "the command ended before the search began"
        time.sleep(0.05)


def test_ctrl_c_in_the_search_ends_it(tmp_path: Path) -> None:
    """Interrupted while the optimizer works, it ends soon: with the best plan so far, or 130."""
    # What a shell starts in its background ignores ctrl-C, and so would the command.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    shutil.copy(EXAMPLES / "frontier-lab.yaml", tmp_path)
    arguments = ["plan", "frontier-lab.yaml", "-o", "json"]
    with subprocess.Popen(  # noqa: S603 -- our own command
        [*command(), *arguments],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        wait_for_engine(process)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
    assert "Traceback" not in stderr
    if process.returncode == 130:
        assert stdout == ""
    else:
        assert process.returncode in {0, 3, 6}
        assert json.loads(stdout)["stop"] == "interrupt"
