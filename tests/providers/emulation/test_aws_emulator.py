"""The emulated AWS speaks by the SDK's own models and refuses what the API does not know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from providers.emulation.aws_pages import paged
from providers.emulation.aws_wire import parse_request, write_answer
from providers.emulation.server import Emulator, Refusal, Request
from tests.providers.aws.cloud import KEYS, emulator_of, small_market

SIGNED = "AWS4-HMAC-SHA256 Credential=AK/20261123/eu-west-1/{service}/aws4_request, Signature=x"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with emulator_of(small_market()) as running:
        yield running


def client(emulator: Emulator, service: str, region: str = "us-east-1") -> Any:
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=emulator.url,
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}),
    )


def request(body: str, *, service: str = "ec2") -> Request:
    return Request(
        method="POST",
        path="/",
        query={},
        headers={"authorization": SIGNED.format(service=service)},
        body=body.encode(),
    )


def test_region_and_service_come_from_the_signature(emulator: Emulator) -> None:
    """One port answers for every region and service."""
    client(emulator, "ec2", "eu-west-1").describe_availability_zones()
    client(emulator, "service-quotas", "us-east-1").list_service_quotas(ServiceCode="ec2")
    targets = [(one.target.service, one.target.region) for one in emulator.log]
    assert targets == [("ec2", "eu-west-1"), ("service-quotas", "us-east-1")]


def test_a_nested_query_is_parsed() -> None:
    """EC2's flat names become lists and structures with the model's types."""
    call = parse_request(
        request(
            "Action=DescribeInstanceTypes&Version=2016-11-15&MaxResults=5"
            "&Filter.1.Name=instance-type&Filter.1.Value.1=p5.*&Filter.1.Value.2=g6*"
            "&InstanceType.1=p5.48xlarge"
        )
    )
    assert call.parameters == {
        "MaxResults": 5,
        "Filters": [{"Name": "instance-type", "Values": ["p5.*", "g6*"]}],
        "InstanceTypes": ["p5.48xlarge"],
    }


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("Action=DescribeRegions&Version=2016-11-15&Colour=red", "UnknownParameter"),
        ("Action=DescribeEverything&Version=2016-11-15", "InvalidAction"),
    ],
)
def test_what_the_api_does_not_know_is_refused(body: str, code: str) -> None:
    """Unknown operations and parameters are errors, as in the real service."""
    with pytest.raises(Refusal) as caught:
        parse_request(request(body))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"ServiceCode": "ec2", "Colour": 1}', "UnknownParameter"),
        ('{"ServiceCode": "ec2", "MaxResults": "many"}', "InvalidParameterValue"),
        ("{}", "InvalidParameterValue"),
    ],
)
def test_a_json_request_is_held_to_the_model(body: str, code: str) -> None:
    """Unknown, ill-typed and missing members are refused."""
    asked = request(body, service="servicequotas")
    target = {"x-amz-target": "ServiceQuotasV20190624.ListServiceQuotas"}
    with pytest.raises(Refusal) as caught:
        parse_request(replace(asked, headers={**asked.headers, **target}))
    assert caught.value.code == code


def test_filters_are_never_passed_over(emulator: Emulator) -> None:
    """An unknown filter and too many values are errors, not more rows."""
    ec2 = client(emulator, "ec2")
    for filters in (
        [{"Name": "colour", "Values": ["red"]}],
        [{"Name": "instance-type", "Values": [f"t{n}" for n in range(201)]}],
    ):
        with pytest.raises(ClientError, match=r"InvalidParameterValue|FilterLimitExceeded"):
            ec2.describe_instance_types(Filters=filters)


def test_an_unknown_member_of_an_answer_is_a_mistake() -> None:
    """Answers cannot drift from the API: a member it does not have is refused."""
    call = parse_request(request("Action=DescribeRegions&Version=2016-11-15"))
    with pytest.raises(ValueError, match="Region has no member Colour"):
        write_answer(call, {"Regions": [{"RegionName": "r", "Colour": "red"}]})


def test_an_unsigned_request_is_refused(emulator: Emulator) -> None:
    """Without a signature there is no region and no service."""
    unsigned = HttpRequest(emulator.url, data=b"Action=DescribeRegions")  # noqa: S310 - loopback
    with pytest.raises(OSError, match="403"):
        urlopen(unsigned)  # noqa: S310 - loopback


def test_an_operation_without_an_answer_is_refused(emulator: Emulator) -> None:
    """What is not emulated says so, and never answers with something empty."""
    with pytest.raises(ClientError, match="InvalidAction"):
        client(emulator, "ec2").describe_vpcs()


def test_errors_reach_the_sdk_with_their_code(emulator: Emulator) -> None:
    """The SDK reads the code of an XML and of a JSON error."""
    with pytest.raises(ClientError) as xml:
        client(emulator, "ec2").describe_instance_type_offerings(LocationType="region")
    with pytest.raises(ClientError) as plain:
        client(emulator, "pricing").get_products(
            ServiceCode="AmazonEC2",
            Filters=[{"Type": "NONE_OF", "Field": "instanceType", "Value": "x"}],
        )
    codes = [one.value.response["Error"]["Code"] for one in (xml, plain)]
    assert codes == ["InvalidParameterValue", "InvalidParameterException"]


def test_not_opted_in_regions_and_zones_show_on_request(emulator: Emulator) -> None:
    """Local zones stand in the list only when all are asked for."""
    ec2 = client(emulator, "ec2")
    some = ec2.describe_availability_zones()["AvailabilityZones"]
    every = ec2.describe_availability_zones(AllAvailabilityZones=True)["AvailabilityZones"]
    assert {zone["ZoneType"] for zone in some} == {"availability-zone"}
    assert {zone["ZoneType"] for zone in every} > {"availability-zone"}


def test_products_are_json_texts(emulator: Emulator) -> None:
    """The price list holds JSON in texts, with terms keyed as in the real one."""
    answer = client(emulator, "pricing").get_products(
        ServiceCode="AmazonEC2",
        Filters=[
            {"Type": "CONTAINS", "Field": "instanceType", "Value": "p5."},
            {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "us-east-1"},
        ],
    )
    first = json.loads(answer["PriceList"][0])
    (term,) = first["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    assert dimension["unit"] == "Hrs"
    assert set(first["product"]["attributes"]) >= {"instanceType", "regionCode", "usagetype"}


def test_pages() -> None:
    """Seven rows in pages of three: tokens say where the next page starts and which it is."""
    rows = list(range(7))
    first = paged(rows, {"MaxResults": 3}, "Rows")
    second = paged(rows, {"MaxResults": 3, "NextToken": first["NextToken"]}, "Rows")
    last = paged(
        rows, {"MaxResults": 3, "NextToken": second["NextToken"]}, "Rows", ends_empty=True
    )
    assert (first["Rows"], second["Rows"]) == ([0, 1, 2], [3, 4, 5])
    assert (second["NextToken"], last) == ("6/3", {"Rows": [6], "NextToken": ""})


def test_a_wrong_token_is_refused() -> None:
    """A token nobody gave out is an error and not the first page again."""
    with pytest.raises(Refusal, match="InvalidNextToken"):
        paged([1], {"NextToken": "x"}, "Rows")
