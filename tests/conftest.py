"""The tests reach nothing but this machine: every other connection is refused and fails a test."""

import configparser
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import settings

# The same examples in every run, and no deadline that a busy machine would miss.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

_ATTEMPTS: list[str] = []
_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0", "::ffff:127.")  # noqa: S104 - compared only
_resolve = socket.getaddrinfo


class _LoopbackSocket(socket.socket):
    """A socket that connects to loopback and to local files only."""

    def connect(self, address: Any) -> None:
        _admit(self.family, address)
        super().connect(address)

    def connect_ex(self, address: Any) -> int:
        _admit(self.family, address)
        return super().connect_ex(address)


def _admit(family: int, address: Any) -> None:
    if family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
        _refuse(f"{address[0]}:{address[1]}")


def _is_loopback(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    return name.startswith(_LOOPBACK)


def _refuse(where: str) -> NoReturn:
    _ATTEMPTS.append(where)
    raise ConnectionRefusedError(f"the tests do not connect to {where}")


def _resolve_loopback(host: Any, *arguments: Any, **keywords: Any) -> Any:
    if not _is_loopback(host):
        _refuse(str(host))
    return _resolve(host, *arguments, **keywords)


socket.socket = _LoopbackSocket  # type: ignore[misc] # the one place that replaces it
socket.getaddrinfo = _resolve_loopback

_CLOUD_ENVIRONMENT = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
    "NO_GCE_CHECK": "true",
    "GCE_METADATA_HOST": "127.0.0.1:9",
}
_CLOUD_PREFIXES = ("AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_", "BROKER_", "IDENTITY_", "MSI_")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that rewrites golden files and what pages show."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write golden files and the pages' console blocks anew instead of comparing",
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether to write golden files anew; review the difference before you keep it."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(autouse=True)
def _alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Give every test an empty home and no credentials; fail it if it tried to leave."""
    import os

    for name in [name for name in os.environ if name.startswith(_CLOUD_PREFIXES)]:
        monkeypatch.delenv(name)
    for name, value in _CLOUD_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    home = tmp_path_factory.mktemp("home")
    for name, file in [
        ("HOME", ""),
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_DATA_HOME", ".local/share"),
        ("XDG_CACHE_HOME", ".cache"),
        ("AWS_CONFIG_FILE", ".aws/config"),
        ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
        ("CLOUDSDK_CONFIG", ".gcloud"),
        ("AZURE_CONFIG_DIR", ".azure"),
    ]:
        monkeypatch.setenv(name, str(home / file))
    _ATTEMPTS.clear()
    yield
    assert _ATTEMPTS == [], "the test tried to leave this machine"


@pytest.fixture(scope="session")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that, on the import path, makes our entry points known uninstalled."""
    written = configparser.ConfigParser(delimiters=("=",))
    written.read(Path(__file__).parents[1] / "setup.cfg", encoding="utf-8")
    lines = []
    for group, points in written["options.entry_points"].items():
        lines += [f"[{group}]", *points.strip().splitlines(), ""]
    folder = tmp_path_factory.mktemp("site")
    metadata = folder / "gpu_capacity_broker-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: gpu-capacity-broker\nVersion: 0\n")
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    return folder
