"""The emulator's server answers, logs, and does wrong what it is told to."""

import http.client
import time
from collections.abc import Iterator, Mapping

import pytest

from providers.emulation.faults import Fault, Target, Trouble, parse_fault
from providers.emulation.server import Emulator, Refusal, Reply, Request


class Shop:
    """A site with one list of things per region, and a count of the work done."""

    def __init__(self) -> None:
        self.served = 0

    def identify(self, request: Request) -> tuple[Target, Mapping[str, object]]:
        if not request.path.startswith("/list/"):
            raise Refusal(status=404, code="NoSuchPath")
        page = int(request.query.get("page", "1"))
        region = request.path.removeprefix("/list/")
        return Target(service="shop", operation="List", region=region, page=page), request.query

    def answer(self, request: Request, target: Target, parameters: Mapping[str, object]) -> Reply:
        del request, parameters
        self.served += 1
        if target.region == "closed":
            raise Refusal(status=403, code="Closed")
        return Reply(body=b"things of " + target.region.encode())

    def refuse(self, request: Request, target: Target, refusal: Refusal) -> Reply:
        del request, target
        return Reply(status=refusal.status, body=refusal.code.encode())


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(Shop()) as running:
        yield running


def get(emulator: Emulator, path: str) -> tuple[int, bytes, Mapping[str, str]]:
    connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.headers)
    finally:
        connection.close()


def test_answers_and_logs(emulator: Emulator) -> None:
    """A request is answered and stands in the log with its parsed parameters."""
    status, body, _ = get(emulator, "/list/north?page=2")
    assert (status, body) == (200, b"things of north")
    (logged,) = emulator.requests("List", "north")
    assert (logged.target.page, logged.parameters) == (2, {"page": "2"})


def test_a_refusal_is_worded_by_the_site(emulator: Emulator) -> None:
    """Errors have the site's own form, for its refusals and for paths it does not know."""
    assert get(emulator, "/list/closed")[:2] == (403, b"Closed")
    assert get(emulator, "/other")[:2] == (404, b"NoSuchPath")


def test_refuses_as_often_as_asked(emulator: Emulator) -> None:
    """Two refusals, then the right answer; Retry-After is sent when asked for."""
    emulator.faults.add(
        Fault(trouble=Trouble.REFUSE, times=2, status=429, code="Slow", retry_after_s=7)
    )
    answers = [get(emulator, "/list/north") for _ in range(3)]
    assert [status for status, _, _ in answers] == [429, 429, 200]
    assert answers[0][2]["Retry-After"] == "7"


def test_a_fault_hits_only_what_it_matches(emulator: Emulator) -> None:
    """Region and page narrow a fault."""
    emulator.faults.add(Fault(trouble=Trouble.REFUSE, region="s*", page=2, times=None))
    paths = ["/list/north?page=2", "/list/south", "/list/south?page=2", "/list/south?page=2"]
    assert [get(emulator, path)[0] for path in paths] == [200, 200, 503, 503]


def test_after_lets_requests_pass_first(emulator: Emulator) -> None:
    """`after=1` spares the first matching request."""
    emulator.faults.add(Fault(trouble=Trouble.REFUSE, after=1))
    assert [get(emulator, "/list/north")[0] for _ in range(3)] == [200, 503, 200]


@pytest.mark.parametrize(
    ("trouble", "served"), [(Trouble.DROP_BEFORE, 0), (Trouble.DROP_AFTER, 1)]
)
def test_drops_the_connection(emulator: Emulator, trouble: Trouble, served: int) -> None:
    """A dropped reply leaves the work undone or done, as asked."""
    emulator.faults.add(Fault(trouble=trouble))
    with pytest.raises(http.client.RemoteDisconnected):
        get(emulator, "/list/north")
    assert isinstance(emulator.site, Shop)
    assert emulator.site.served == served


def test_slow_and_garbage(emulator: Emulator) -> None:
    """A slow answer is right but late; a garbage answer is prompt and unreadable."""
    emulator.faults.add(Fault(trouble=Trouble.SLOW, delay_s=0.1))
    start = time.monotonic()
    assert get(emulator, "/list/north")[1] == b"things of north"
    assert time.monotonic() - start >= 0.1
    emulator.faults.add(Fault(trouble=Trouble.GARBAGE))
    assert b"not {" in get(emulator, "/list/north")[1]


def test_parses_faults() -> None:
    """The command line's form of a fault gives the same fault."""
    parsed = parse_fault("refuse operation=Describe* region=eu-west-1 times=all code=Throttling")
    assert parsed == Fault(
        trouble=Trouble.REFUSE,
        operation="Describe*",
        region="eu-west-1",
        times=None,
        code="Throttling",
    )


@pytest.mark.parametrize("text", ["", "explode", "slow colour=red", "refuse times=many"])
def test_a_wrong_fault_is_refused(text: str) -> None:
    """What cannot be understood raises ValueError that says what would be right."""
    with pytest.raises(ValueError, match=r"one of refuse|service, operation|times= a whole"):
        parse_fault(text)
