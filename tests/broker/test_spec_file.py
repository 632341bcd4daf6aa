"""Files that cannot be read are refused in one message; every honest encoding is read."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from broker.errors import BrokerError
from broker.spec import load_spec
from broker.spec_file import MOST_BYTES

GOOD = "training:\n- {name: a, accelerators: 'H100:8', hours: 10, owner: Zoë}\n"


class _Standard:
    """Standard input that holds given bytes."""

    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


def refusal(path: Path) -> str:
    """Return the message with which `path` is refused."""
    with pytest.raises(BrokerError) as caught:
        load_spec(path)
    assert caught.value.exit_code == 1
    return str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    """A path of nothing says so and how to begin."""
    message = refusal(tmp_path / "none.yaml")
    assert "found no file" in message
    assert "broker init" in message


def test_folder_for_a_file(tmp_path: Path) -> None:
    """A folder is refused as one."""
    assert "found a folder" in refusal(tmp_path)


def test_path_no_system_has(tmp_path: Path) -> None:
    """A path with a null character, or too long, is refused like any other."""
    assert "cannot be read" in refusal(tmp_path / "a\0b")
    assert "cannot be read" in refusal(tmp_path / ("x" * 5000))


def test_oversized_file_is_refused_with_the_limit(tmp_path: Path) -> None:
    """50 MB are refused before they are parsed; the limit is named."""
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    assert f"at most {MOST_BYTES // 10**6} MB" in refusal(path)


def test_file_that_is_not_utf8(tmp_path: Path) -> None:
    """Another encoding is refused with the line of its first foreign byte."""
    path = tmp_path / "spec.yaml"
    path.write_bytes(GOOD.encode("latin-1"))
    message = refusal(path)
    assert "spec.yaml:2: found byte 0xeb" in message
    assert "save the file as UTF-8" in message


def test_utf16_is_not_utf8(tmp_path: Path) -> None:
    """UTF-16 is refused, too."""
    path = tmp_path / "spec.yaml"
    path.write_bytes(GOOD.encode("utf-16"))
    assert "not UTF-8" in refusal(path)


def test_mark_and_line_ends_do_not_matter(tmp_path: Path) -> None:
    """A byte order mark and any line ends are read as if they were not there."""
    path = tmp_path / "spec.yaml"
    path.write_text(GOOD, encoding="utf-8")
    plain = load_spec(path)
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_spec(path) == plain
    assert plain.training[0].owner == "Zoë"


def test_json_is_read_too(tmp_path: Path) -> None:
    """JSON means the same, indented with tabs and with escaped characters."""
    workload = {"name": "a", "accelerators": "H100:8", "hours": 10, "owner": "Zoë \U0001f600"}
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"training": [workload]}, indent="\t"))
    assert load_spec(path).training[0].owner == "Zoë \U0001f600"


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash reads standard input, and messages call it so."""
    monkeypatch.setattr(sys, "stdin", _Standard(GOOD.encode()))
    assert load_spec("-").training[0].name == "a"
    monkeypatch.setattr(sys, "stdin", _Standard(b"training: 1\n"))
    with pytest.raises(BrokerError, match="standard input:1: training: found"):
        load_spec("-")


def test_closed_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was started without standard input says so."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(BrokerError, match="standard input cannot be read: it is closed"):
        load_spec("-")


def test_keys_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    """Control characters of a file never reach the terminal."""
    path = tmp_path / "spec.json"
    path.write_text('{"tra\\u001b[31min\\n\\u202ei": 1}')
    message = refusal(path)
    assert "tra?[31min??i" in message
    assert "\x1b" not in message


def test_reasons_may_have_several_lines(tmp_path: Path) -> None:
    """A text folded over lines is read as one line."""
    path = tmp_path / "spec.yaml"
    path.write_text(
        GOOD
        + "policy:\n  exclusivity:\n  - workloads: [a]\n    only: [aws]\n    why: |\n"
        + "      the contract\n      says so\n"
    )
    assert load_spec(path).policy.exclusivity[0].why == "the contract says so"


def test_norway_is_a_country(tmp_path: Path) -> None:
    """`NO`, `on` and `yes` are texts, as YAML 1.2 has it."""
    path = tmp_path / "spec.yaml"
    path.write_text(
        "training:\n- name: on\n  accelerators: H100:8\n  hours: 010\n  owner: yes\n"
        "  where: {residency: [NO]}\n"
    )
    training = load_spec(path).training[0]
    assert (training.name, training.owner, training.hours) == ("on", "yes", 10)
    assert training.where.residency == ("NO",)


def test_anchors_and_merges(tmp_path: Path) -> None:
    """A template with an anchor is merged, and a workload's own keys win."""
    path = tmp_path / "spec.yaml"
    path.write_text(
        "training:\n- &t {name: a, accelerators: H100:8, hours: 10}\n"
        "- {<<: *t, name: b, hours: 20}\n"
    )
    first, second = load_spec(path).training
    assert (first.hours, second.hours) == (10, 20)
    assert first.shapes == second.shapes
