"""The configuration file says which providers, where, and how much to keep; never a secret."""

from pathlib import Path

import pytest

from broker.errors import BrokerError, SpecError
from broker.provider import Scope
from broker.settings import Configuration, config_path, data_path, read_configuration


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return path


def test_every_key(tmp_path: Path) -> None:
    """A file that says everything is read whole."""
    found = read_configuration(
        write(
            tmp_path,
            """
providers:
  aws:
    options: {profile: research, score_types: [p5.48xlarge, p4d.24xlarge]}
    endpoints: {default: "http://127.0.0.1:4100"}
  gcp:
refresh:
  regions: [us-east-1, europe-west4]
  signals: true
  blocks: true
  tag: team/workload
  keep: 7
  keep_days: 14
  deadline: 90s
""",
        )
    )
    assert found.providers is not None
    assert list(found.providers) == ["aws", "gcp"]
    aws = found.providers["aws"]
    assert aws.options == {"profile": "research", "score_types": "p5.48xlarge,p4d.24xlarge"}
    assert aws.endpoints == {"default": "http://127.0.0.1:4100"}
    assert found.scope == Scope(
        regions=("us-east-1", "europe-west4"), signals=True, blocks=True, tag="team/workload"
    )
    assert (found.keep, found.keep_days, found.deadline_s) == (7, 14, 90.0)


@pytest.mark.parametrize("text", ["", "providers:\n", "refresh: {}\n"])
def test_what_is_left_out_has_defaults(tmp_path: Path, text: str) -> None:
    """An empty file is the same as none."""
    assert read_configuration(write(tmp_path, text)) == Configuration()


def test_no_file_in_the_usual_place_is_fine(tmp_path: Path) -> None:
    """Without a configuration the defaults hold; a file that was named must be there."""
    assert read_configuration() == Configuration()
    with pytest.raises(BrokerError, match="No such file"):
        read_configuration(tmp_path / "missing.yaml")


def test_places_follow_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    """Configuration and state stand where XDG says."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "/c")
    monkeypatch.setenv("XDG_DATA_HOME", "/d")
    assert (str(config_path()), str(data_path())) == ("/c/broker/config.yaml", "/d/broker")


def test_every_mistake_at_once_with_its_line(tmp_path: Path) -> None:
    """Five mistakes make one error that names five places."""
    text = """providers:
  aws:
    option: {}
    options:
      secret_access_key: canary
refresh:
  regions: us-east-1
  keep: 0
  signals: 1
"""
    with pytest.raises(SpecError) as caught:
        read_configuration(write(tmp_path, text))
    told = str(caught.value)
    assert [fault.line for fault in caught.value.faults] == [3, 5, 7, 9, 8]
    assert "canary" not in told
    for place in (
        "providers.aws.option: found the key 'option'; expected one of endpoints, options",
        "providers.aws.options.secret_access_key: found what looks like a secret",
        "refresh.regions: found 'us-east-1'; expected a list of names",
        "refresh.keep: found 0; expected a whole number of at least 1",
        "refresh.signals: found 1; expected true or false",
    ):
        assert place in told


@pytest.mark.parametrize("text", ["[1, 2]", "providers: [aws]", "refresh: 3"])
def test_lists_in_the_place_of_sections(tmp_path: Path, text: str) -> None:
    """A section that is none is named."""
    with pytest.raises(SpecError, match="expected names with values"):
        read_configuration(write(tmp_path, text))
