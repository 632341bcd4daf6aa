"""The adapter over HTTP: which requests go out, what each carries, and what failures become."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import pytest

from broker.errors import ProviderError
from broker.fetching import ConcurrentFetcher
from broker.provider import CallError, FaultKind, Fetched, Scope, Settings
from providers.azure import connect
from providers.azure.clients import RetailPrices
from providers.emulation.azure import AzureSite, AzureWorld
from providers.emulation.faults import Fault, Target, Trouble
from providers.emulation.server import Emulator, Reply, Request
from tests.providers.azure.worlds import (
    HASTE,
    NOW,
    faults_of,
    fetched_from,
    price,
    served,
    settings_of,
    small_world,
    tables_of,
)


class Recorder(AzureSite):
    """An Azure that remembers the headers of every request by operation."""

    def __init__(self, world: AzureWorld, *, page_rows: int = 1000) -> None:
        super().__init__(world, page_rows=page_rows, price_rows=page_rows)
        self.headers: list[tuple[str, Mapping[str, str]]] = []

    def answer(self, request: Request, target: Target, parameters: Mapping[str, object]) -> Reply:
        self.headers.append((target.operation, request.headers))
        return super().answer(request, target, parameters)


class Relinked(AzureSite):
    """An Azure whose pages all link to one place."""

    def __init__(self, world: AzureWorld, link: str) -> None:
        super().__init__(world)
        self.link = link

    def answer(self, request: Request, target: Target, parameters: Mapping[str, object]) -> Reply:
        reply = super().answer(request, target, parameters)
        itself = f"http://{request.headers['host']}{request.path}?{urlencode(request.query)}"
        names = {"ListSkus": "nextLink", "ListPrices": "NextPageLink"}
        if target.operation not in names:
            return reply
        page = json.loads(reply.body) | {names[target.operation]: self.link.format(itself=itself)}
        return Reply(body=json.dumps(page).encode())


def test_a_refresh_asks_each_dataset_of_each_region_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two regions take one request per list, three price queries each, and no request twice."""
    with served(monkeypatch, AzureSite(small_world())) as emulator:
        fetched = fetched_from(emulator)
        counted = Counter(
            (one.target.operation, one.target.region)
            for one in emulator.log
            if one.target.operation != "GetToken"
        )
    assert faults_of(fetched) == {}
    assert counted == {
        ("ListLocations", ""): 1,
        **{(name, region): 1 for name in ("ListSkus", "ListUsages") for region in REGIONS},
        **{("ListPrices", region): 3 for region in REGIONS},
        ("ListReservationGroups", ""): 1,
        ("ListReservedInstances", ""): 1,
        ("ListSavingsPlans", ""): 1,
        ("ListMachines", ""): 2,
        ("ListScaleSets", ""): 1,
    }


REGIONS = ("eastus", "westus3")


def test_requests_say_what_the_services_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue is filtered by location alone, prices by service, region and size."""
    with served(monkeypatch, AzureSite(small_world())) as emulator:
        fetched_from(emulator, Scope(regions=("East US",)))
        (skus,) = emulator.requests("ListSkus")
        filters = sorted(str(one.parameters["$filter"]) for one in emulator.requests("ListPrices"))
    assert skus.parameters["$filter"] == "location eq 'eastus'"
    assert skus.parameters["api-version"] == "2021-07-01"
    place = (
        "serviceName eq 'Virtual Machines' and armRegionName eq 'eastus'"
        " and contains(productName,'Windows') eq false"
    )
    assert filters == [
        f"{place} and contains(armSkuName,'Standard_N')",
        f"{place} and contains(armSkuName,'_v5') and contains(armSkuName,'Standard_N') eq false",
        f"{place} and contains(armSkuName,'_v6') and contains(armSkuName,'Standard_N') eq false",
    ]


def test_the_token_goes_to_resource_manager_and_never_to_the_price_api(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every Resource Manager request carries the bearer token; no price request does."""
    world = small_world()
    world.token = "canary-7f3a"  # noqa: S105 - opens nothing
    site = Recorder(world)
    with served(monkeypatch, site) as emulator:
        fetched_from(emulator, Scope(signals=True))
    sent = {name: "authorization" in headers for name, headers in site.headers}
    assert sent.pop("ListPrices") is False
    assert sent.pop("GetToken") is False
    assert set(sent.values()) == {True}
    assert len(sent) == 10


def test_lists_are_read_to_their_last_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one row a page the result is the same as with all rows on one."""
    with served(monkeypatch, AzureSite(small_world())) as emulator:
        whole = tables_of(fetched_from(emulator))
    with served(monkeypatch, Recorder(small_world(), page_rows=1)) as emulator:
        paged = tables_of(fetched_from(emulator))
        pages = [one.target.page for one in emulator.requests("ListSkus", "eastus")]
    assert pages == [1, 2, 3, 4]
    assert paged.tables["offers"].equals(whole.tables["offers"])
    assert paged.tables["quotas"].equals(whole.tables["quotas"])


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("{itself}", "RepeatedNextLink"),
        ("https://elsewhere.example/skus", "ForeignNextLink"),
    ],
)
def test_a_link_that_repeats_or_leaves_the_host_fails_the_dataset(
    monkeypatch: pytest.MonkeyPatch, link: str, code: str
) -> None:
    """Neither is a list cut short in silence nor a token carried to another host."""
    with served(monkeypatch, Relinked(small_world(), link)) as emulator:
        fetched = fetched_from(emulator, Scope(regions=("eastus",)), cpu_generations="")
    assert faults_of(fetched) == {("instance-types", "eastus"): code, ("prices", "eastus"): code}


def test_a_price_list_that_links_to_itself_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page naming itself as the next is noticed after one more request."""
    with served(monkeypatch, Relinked(small_world(), "{itself}")) as emulator:
        with pytest.raises(CallError) as raised:
            RetailPrices(emulator.url).rows("")
        assert len(emulator.log) == 2
    assert raised.value.kind is FaultKind.BROKEN


def test_a_read_never_registers_a_resource_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unregistered provider is reported with its remedy; nothing is sent to register it."""
    fault = _refusal("ListSkus", 409, "MissingSubscriptionRegistration")
    with served(monkeypatch, AzureSite(small_world()), faults=[fault]) as emulator:
        fetched = fetched_from(emulator, Scope(regions=("eastus",)))
        assert len(emulator.requests("ListSkus")) == 1
        assert not emulator.requests("RegisterProvider")
        posted = Request(
            method="POST",
            path="/subscriptions/s/providers/Microsoft.Compute/register",
            query={"api-version": "2016-02-01"},
            headers={"authorization": "Bearer x"},
            body=b"",
        )
        emulator.handle(posted)  # so that a registration would have been seen
        assert len(emulator.requests("RegisterProvider")) == 1
    (failed,) = [one for one in fetched if one.fault]
    assert failed.fault is not None
    assert failed.fault.kind is FaultKind.DISABLED
    assert "az provider register" in failed.fault.remedy


FAULTS = [
    pytest.param(
        Fault(trouble=Trouble.REFUSE, operation="ListSkus", status=429, code="TooManyRequests",
              times=3, retry_after_s=0.0), 4, id="throttled three times"),
    pytest.param(
        Fault(trouble=Trouble.REFUSE, operation="ListSkus", status=503), 2, id="one 503"),
    pytest.param(
        Fault(trouble=Trouble.REFUSE, operation="ListSkus", status=500, times=2), 3, id="two 500"),
    pytest.param(Fault(trouble=Trouble.DROP_BEFORE, operation="ListSkus"), 2, id="drop before"),
    pytest.param(Fault(trouble=Trouble.DROP_AFTER, operation="ListSkus"), 2, id="drop after"),
    pytest.param(Fault(trouble=Trouble.GARBAGE, operation="ListSkus"), 2, id="garbage once"),
    pytest.param(
        Fault(trouble=Trouble.SLOW, operation="ListSkus", delay_s=0.3), 1, id="slow"),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "requests"), FAULTS)
def test_passing_troubles_leave_no_trace(
    monkeypatch: pytest.MonkeyPatch, fault: Fault, requests: int
) -> None:
    """Throttling, 5xx, lost connections and garbage are asked again until the rows are whole."""
    with served(monkeypatch, AzureSite(small_world()), faults=[fault]) as emulator:
        fetched = fetched_from(emulator, Scope(regions=("eastus",)))
        assert len(emulator.requests("ListSkus")) == requests
    assert faults_of(fetched) == {}
    assert tables_of(fetched).tables["offers"].height == 10


def test_a_lost_second_page_is_asked_again_from_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that drops restarts its list, so that no row is missing or comes twice."""
    fault = Fault(trouble=Trouble.DROP_AFTER, operation="ListSkus", page=2)
    with served(monkeypatch, AzureSite(small_world(), page_rows=2), faults=[fault]) as emulator:
        fetched = fetched_from(emulator, Scope(regions=("eastus",)))
        assert [one.target.page for one in emulator.requests("ListSkus")] == [1, 2, 1, 2]
    assert tables_of(fetched).tables["offers"].height == 10


def test_a_long_retry_after_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five minutes asked for by the service do not become five minutes of waiting."""
    fault = Fault(trouble=Trouble.REFUSE, operation="ListUsages", status=429, retry_after_s=300.0)
    with served(monkeypatch, AzureSite(small_world()), faults=[fault]) as emulator:
        assert HASTE.provider_s < 300  # who waits as long as asked has no rows
        assert faults_of(fetched_from(emulator)) == {}
        assert len(emulator.requests("ListUsages", "*")) == 3


def test_a_dead_region_is_a_gap_and_the_other_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything of one region fails; the other's offers are whole."""
    fault = Fault(trouble=Trouble.DROP_BEFORE, region="westus3", times=None)
    with served(monkeypatch, AzureSite(small_world()), faults=[fault]) as emulator:
        fetched = fetched_from(emulator)
    assert {region for _, region in faults_of(fetched)} == {"westus3"}
    assert tables_of(fetched).tables["offers"]["region"].unique().to_list() == ["eastus"]


def test_an_answer_that_stays_unreadable_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Garbage every time is given up on, by name; everything else is whole."""
    fault = Fault(trouble=Trouble.GARBAGE, operation="ListUsages", region="eastus", times=None)
    with served(monkeypatch, AzureSite(small_world()), faults=[fault]) as emulator:
        fetched = fetched_from(emulator)
    assert faults_of(fetched) == {("quotas", "eastus"): "UnreadableReply"}
    assert tables_of(fetched).tables["offers"].height == 11


def test_named_regions_are_asked_when_the_list_of_regions_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A role without the right to list regions still reads those that the user names."""
    fault = _refusal("ListLocations", 403, "AuthorizationFailed")
    with served(monkeypatch, AzureSite(small_world()), faults=[fault]) as emulator:
        fetched = fetched_from(emulator, Scope(regions=("westus3",)))
    assert faults_of(fetched) == {("regions", ""): "AuthorizationFailed"}
    assert tables_of(fetched).tables["offers"]["region"].unique().to_list() == ["westus3"]


def test_a_region_without_the_service_is_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A region that knows no usages says so by code, and is asked once."""
    world = small_world()
    del world.usages["westus3"]
    with served(monkeypatch, AzureSite(world)) as emulator:
        fetched = fetched_from(emulator)
        assert len(emulator.requests("ListUsages", "westus3")) == 1
    assert faults_of(fetched) == {("quotas", "westus3"): "NoRegisteredProviderFound"}


def test_an_empty_region_gives_no_offers_and_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A region that sells nothing is empty, not broken."""
    world = small_world()
    world.skus["westus3"], world.prices["westus3"] = [], []
    with served(monkeypatch, AzureSite(world)) as emulator:
        fetched = fetched_from(emulator)
    assert faults_of(fetched) == {}
    assert "westus3" not in tables_of(fetched).tables["offers"]["region"].to_list()


def test_a_call_that_is_not_allowed_names_the_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the refused dataset is missing, and the remedy says which action the role needs."""
    fault = _refusal("ListReservedInstances", 403, "AuthorizationFailed")
    with served(monkeypatch, AzureSite(small_world()), faults=[fault]) as emulator:
        fetched = fetched_from(emulator)
        assert len(emulator.requests("ListReservedInstances")) == 1
    (failed,) = [one for one in fetched if one.fault]
    assert failed.fault is not None
    assert failed.fault.kind is FaultKind.DENIED
    assert "Microsoft.Capacity/reservations/read" in failed.fault.remedy
    assert tables_of(fetched).tables["offers"].height == 11


def test_credentials_that_end_in_mid_refresh_stop_the_provider(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After one 401 nothing more is asked of the provider."""
    fault = _refusal("ListSkus", 401, "ExpiredAuthenticationToken")
    with served(monkeypatch, AzureSite(small_world()), faults=[fault]) as emulator:
        provider = connect(settings_of(emulator))
        fetcher = ConcurrentFetcher(patience=HASTE, now=lambda: NOW)
        fetched = provider.collect(Scope(), fetcher)
        assert len(emulator.requests("ListSkus")) <= 2
    assert fetcher.stopped is not None
    assert fetcher.stopped.kind is FaultKind.EXPIRED
    assert faults_of(fetched)["instance-types", "eastus"] == "ExpiredAuthenticationToken"


def test_without_credentials_the_provider_says_how_to_get_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No identity in the SDK's chain is one error with a remedy, before any request."""
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    with Emulator(AzureSite(small_world())) as emulator:
        with pytest.raises(ProviderError) as raised:
            connect(settings_of(emulator)).collect(Scope(), ConcurrentFetcher(patience=HASTE))
        assert emulator.log == ()
    assert "az login" in raised.value.remedy


def test_the_one_subscription_of_an_identity_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the option the enabled subscription is asked for, and then used in every path."""
    with served(monkeypatch, AzureSite(small_world())) as emulator:
        settings = Settings(endpoints={"management": emulator.url, "prices": emulator.url})
        fetcher = ConcurrentFetcher(patience=HASTE)
        fetched = connect(settings).collect(Scope(regions=("eastus",)), fetcher)
        assert len(emulator.requests("ListSubscriptions")) == 1
    assert faults_of(fetched) == {}


def test_a_region_the_subscription_has_not_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt region is named in the gaps, and nothing is asked of it."""
    scope = Scope(regions=("eastus", "eastuss"))
    with served(monkeypatch, AzureSite(small_world())) as emulator:
        fetched = fetched_from(emulator, scope)
        assert emulator.requests("*", "eastuss") == []
    gaps = tables_of(fetched, scope).tables["gaps"]
    assert gaps.select("region", "code").rows() == [("eastuss", "UnknownRegion")]


def test_plain_http_leaves_only_to_this_machine() -> None:
    """A token is never sent in the clear to another host."""
    settings = Settings(endpoints={"management": "http://management.example"})
    with pytest.raises(ProviderError, match="https://"):
        connect(settings).collect(Scope(), ConcurrentFetcher(patience=HASTE))


def test_no_secret_reaches_errors_or_rows(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A token, a machine's settings and the service's own message stay out of all we keep."""
    world = small_world()
    world.token = "canary-token"  # noqa: S105 - opens nothing
    world.machines = [
        {
            "id": "/m",
            "location": "eastus",
            "tags": {"broker:workload": "chat"},
            "properties": {
                "hardwareProfile": {"vmSize": "Standard_D16ads_v5"},
                "osProfile": {"adminPassword": "canary-password"},
                "userData": "canary-data",
            },
        }
    ]
    fault = Fault(
        trouble=Trouble.REFUSE,
        operation="ListSavingsPlans",
        status=400,
        code="Bearer canary-token",
        message="canary-message",
        times=None,
    )
    with served(monkeypatch, AzureSite(world), faults=[fault]) as emulator, caplog.at_level(0):
        fetched = fetched_from(emulator)
    assert "canary" not in caplog.text
    assert "canary" not in _everything(fetched)
    assert faults_of(fetched) == {("savings-plans", ""): "HTTP400"}


def test_prices_of_another_page_size_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """A region with more prices than a page holds gets every one of them."""
    world = small_world()
    world.prices["eastus"] = [price(f"Standard_NC{n}as_T4_v3", 1.0 + n) for n in range(1, 8)]
    with served(monkeypatch, AzureSite(world, price_rows=3)) as emulator:
        rows = RetailPrices(emulator.url).rows("armRegionName eq 'eastus'")
        assert [one.target.page for one in emulator.requests("ListPrices")] == [1, 2, 3]
    assert sorted(str(row["armSkuName"]) for row in rows) == [
        f"Standard_NC{n}as_T4_v3" for n in range(1, 8)
    ]


def _refusal(operation: str, status: int, code: str) -> Fault:
    return Fault(trouble=Trouble.REFUSE, operation=operation, status=status, code=code, times=None)


def _everything(fetched: Sequence[Fetched]) -> str:
    faults = [(one.fault, one.fault.remedy) for one in fetched if one.fault]
    return repr([list(one.rows) for one in fetched]) + repr(faults)
