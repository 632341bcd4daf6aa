"""`broker validate`, `schema` and `init` do what they say and write nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from broker.cli import main
from broker.spec_schema import spec_schema
from broker.spec_starter import starter_spec
from tests.broker.bad_spec import MARKET_CSV, Bad
from tests.broker.bad_specs import BAD_SPECS


def test_starter_is_valid_on_the_embedded_market(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What init writes, validate accepts, without a warning."""
    path = tmp_path / "spec.yaml"
    assert main(["init", str(path)]) == 0
    assert path.read_text(encoding="utf-8") == starter_spec()
    capsys.readouterr()
    assert main(["validate", str(path)]) == 0
    assert capsys.readouterr() == ("ok: 3 workloads (1 training, 1 services, 1 batch)\n", "")


def test_commented_parts_of_the_starter_are_valid_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With every commented key put in, the starter is still a valid spec."""
    head, mark, rules = starter_spec().partition("# policy:")
    lines = [line.removeprefix("# ") for line in (mark + rules).splitlines()]
    path = tmp_path / "spec.yaml"
    path.write_text(head.replace("    # where: {", "    where: {") + "\n".join(lines))
    assert main(["validate", str(path)]) == 0, capsys.readouterr().err


def test_init_never_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that exists, or a link to nowhere, stays as it is."""
    path = tmp_path / "spec.yaml"
    path.write_text("mine")
    link = tmp_path / "link.yaml"
    link.symlink_to(tmp_path / "nowhere")
    for taken in (path, link):
        assert main(["init", str(taken)]) == 1
        assert "exists already" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert link.readlink() == tmp_path / "nowhere"


def test_init_prints_for_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    """A dash prints the starter and writes no file."""
    assert main(["init", "-"]) == 0
    assert capsys.readouterr().out == starter_spec()


def test_validate_tells_faults_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Mistakes end with code 1, on standard error alone, and no file is written."""
    path = tmp_path / "spec.yaml"
    path.write_text("training: [{name: a, accelerators: H100:8, hours: 99999}]\n")
    assert main(["validate", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{path}:1: training[0].hours: found 99999h; expected at most the period" in err
    assert list(tmp_path.iterdir()) == [path]


def test_validate_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Scripts read faults and warnings from standard output; the exit code is the same."""
    path = tmp_path / "spec.yaml"
    path.write_text("training: [{name: a, accelerators: H100:8, hours: 0}]\n")
    assert main(["validate", "-o", "json", str(path)]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    report = json.loads(out)
    assert (report["format"], report["ok"], report["warnings"]) == (1, False, [])
    (fault,) = report["faults"]
    assert (fault["line"], fault["path"], fault["found"]) == (1, "training[0].hours", "`0`")
    path.write_text("training: [{name: a, accelerators: H100:8, hours: 1, spot: {}}]\n")
    assert main(["validate", "-o", "json", str(path)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"]
    assert report["faults"] == []
    assert len(report["warnings"]) == 1


def test_validate_warns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is allowed but odd is told on standard error, and the spec is still ok."""
    path = tmp_path / "spec.yaml"
    path.write_text(
        "training: [{name: a, accelerators: H100:8, hours: 9, spot: {max_share: 1}},\n"
        " {name: b, accelerators: GB300:8, hours: 9}]\n"
        "policy: {exclusivity: [{workloads: [a], apart: zone}]}\n"
    )
    assert main(["validate", str(path)]) == 0
    out, err = capsys.readouterr()
    assert out == "ok: 2 workloads (2 training)\n"
    assert "a: spot without checkpoint and restart times" in err
    assert "b: GB300 is listed, but not sold at a known price" in err
    assert "policy.exclusivity[0]: a alone is apart from nobody" in err


def test_validate_takes_other_markets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Markets on the command line take the place of the spec's own."""
    market = tmp_path / "m.csv"
    market.write_text("provider,region,instance_type,option,usd_per_hour\nown,x,y,on-demand,1\n")
    path = tmp_path / "spec.yaml"
    path.write_text("training: [{name: a, accelerators: H100:8, hours: 9}]\n")
    assert main(["validate", "--market", str(market), str(path)]) == 1
    assert "which the market does not have" in capsys.readouterr().err
    assert main(["validate", "--market", "nowhere", str(path)]) == 1
    assert "nowhere" in capsys.readouterr().err


def test_schema_is_printed_or_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The schema goes to standard output, or whole into a file."""
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == spec_schema()
    assert main(["schema", "--out", str(tmp_path / "s.json")]) == 0
    assert json.loads((tmp_path / "s.json").read_text()) == spec_schema()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("bad", BAD_SPECS, ids=lambda bad: bad.name)
def test_bad_spec_is_never_planned(
    bad: Bad, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Planning a bad spec ends with code 1 and one message; nothing is printed or written."""
    market, path = tmp_path / "market.csv", tmp_path / "spec.yaml"
    market.write_text(MARKET_CSV)
    path.write_text(bad.text)
    before = sorted(tmp_path.iterdir())
    arguments = ["plan", str(path), "--market", str(market), "--out", str(tmp_path / "plan.json")]
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("error:") == 1
    assert bad.piece in err
    assert sorted(tmp_path.iterdir()) == before
