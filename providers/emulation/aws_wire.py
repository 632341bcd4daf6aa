"""AWS wire formats, driven by the service models that the SDK itself ships.

Requests are parsed and answers written generically from those models: EC2's query form with
XML answers, JSON 1.x with a target header, and REST with JSON bodies. Unknown members are
refused on both ways, so that what the emulator says cannot drift from the real API.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.model import OperationModel, ServiceModel, Shape
from botocore.session import get_session
from botocore.utils import parse_timestamp
from botocore.validate import ParamValidator

from providers.emulation.server import Refusal, Reply, Request

SERVICES: Final = ("ec2", "pricing", "savingsplans", "service-quotas")
_SCOPE: Final = re.compile(r"Credential=([^/]*)/\d+/([^/]+)/([^/]+)/aws4_request")
_EC2_NAMESPACE: Final = "http://ec2.amazonaws.com/doc/2016-11-15/"


@dataclass(frozen=True, slots=True, kw_only=True)
class WireCall:
    """A request as the service understood it.

    Attributes:
        service: name of the SDK's service model.
        region: from the signature's credential scope.
        access_key: who signed.
        operation: the model of what was asked.
        parameters: by member name, in the types of the model.
    """

    service: str
    region: str
    access_key: str
    operation: OperationModel
    parameters: Mapping[str, Any]


def parse_request(request: Request) -> WireCall:
    """Parse a signed request of one of `SERVICES`.

    Raises:
        Refusal: for an unsigned request, an unknown operation, and parameters that are unknown,
            missing or of another type.
    """
    scope = _SCOPE.search(request.headers.get("authorization", ""))
    if scope is None:
        raise Refusal(status=403, code="MissingAuthenticationToken")
    access_key, region, signing_name = scope.groups()
    service = _services().get(signing_name)
    if service is None:
        raise Refusal(status=404, code="UnknownService", message=signing_name)
    model = _model(service)
    if model.metadata["protocol"] == "ec2":
        operation, parameters = _parse_query(model, request.body)
    else:
        operation, parameters = _parse_json(model, request)
    _validate(operation, parameters)
    return WireCall(
        service=service,
        region=region,
        access_key=access_key,
        operation=operation,
        parameters=parameters,
    )


def write_answer(call: WireCall, answer: Mapping[str, Any]) -> Reply:
    """Return `answer` (members by name) in the wire form of the call's service.

    Raises:
        ValueError: for a member the API does not have.
    """
    shape = call.operation.output_shape
    if call.service != "ec2":
        body = json.dumps(_to_json(shape, answer))
        return Reply(content_type="application/x-amz-json-1.1", body=body.encode())
    name = call.operation.name
    inner = "".join(_to_xml_members(shape, answer)) if shape is not None else ""
    text = (
        f'<{name}Response xmlns="{_EC2_NAMESPACE}"><requestId>emulated</requestId>'
        f"{inner}</{name}Response>"
    )
    return Reply(content_type="text/xml", body=text.encode())


def write_refusal(request: Request, refusal: Refusal) -> Reply:
    """Return an error in the wire form of the service `request` was meant for."""
    if request.body.startswith(b"Action="):
        text = (
            f"<Response><Errors><Error><Code>{escape(refusal.code)}</Code>"
            f"<Message>{escape(refusal.message)}</Message></Error></Errors>"
            "<RequestID>emulated</RequestID></Response>"
        )
        return Reply(status=refusal.status, content_type="text/xml", body=text.encode())
    body = json.dumps({"__type": refusal.code, "message": refusal.message})
    return Reply(
        status=refusal.status,
        content_type="application/x-amz-json-1.1",
        body=body.encode(),
        headers={"x-amzn-ErrorType": refusal.code},
    )


@cache
def _model(service: str) -> ServiceModel:
    return get_session().get_service_model(service)


@cache
def _services() -> Mapping[str, str]:
    """Return signing name -> service."""
    return {_model(service).signing_name: service for service in SERVICES}


# --- requests -----------------------------------------------------------------------------------


def _parse_json(model: ServiceModel, request: Request) -> tuple[OperationModel, dict[str, Any]]:
    target = request.headers.get("x-amz-target", "").rpartition(".")[2]
    names = (
        [target]
        if target
        else [
            name
            for name in model.operation_names
            if model.operation_model(name).http.get("requestUri") == request.path
        ]
    )
    if not names or names[0] not in model.operation_names:
        raise Refusal(status=404, code="UnknownOperationException", message=request.path)
    operation = model.operation_model(names[0])
    parameters = json.loads(request.body or b"{}")
    if operation.input_shape is not None:
        _refuse_unknown(_unknown_members(operation.input_shape, parameters))
    return operation, parameters


def _parse_query(model: ServiceModel, body: bytes) -> tuple[OperationModel, dict[str, Any]]:
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    name = form.pop("Action", "")
    form.pop("Version", None)
    if name not in model.operation_names:
        raise Refusal(status=400, code="InvalidAction", message=name)
    operation = model.operation_model(name)
    reader = _FormReader(form)
    parameters: dict[str, Any] = {}
    if operation.input_shape is not None:
        parameters = reader.structure(operation.input_shape, "")
    _refuse_unknown(reader.unread())
    return operation, parameters


def _unknown_members(shape: Any, value: Any) -> set[str]:
    """Return the names in `value` that `shape` does not have, at any depth."""
    if shape.type_name == "list":
        return {name for one in value for name in _unknown_members(shape.member, one)}
    if shape.type_name != "structure":
        return set()
    found = set(value) - set(shape.members)
    for name, member in shape.members.items():
        if name in value:
            found |= _unknown_members(member, value[name])
    return found


def _refuse_unknown(names: set[str]) -> None:
    if names:
        raise Refusal(status=400, code="UnknownParameter", message=", ".join(sorted(names)))


def _validate(operation: OperationModel, parameters: Mapping[str, Any]) -> None:
    """Refuse missing and ill-typed parameters, as the model states them."""
    if operation.input_shape is None:
        return
    report = ParamValidator().validate(parameters, operation.input_shape)
    if report.has_errors():
        raise Refusal(status=400, code="InvalidParameterValue", message=report.generate_report())


class _FormReader:
    """Reads a form with EC2's flat names (``Filter.1.Value.2``) by a shape."""

    def __init__(self, form: Mapping[str, str]) -> None:
        self._form = form
        self._read: set[str] = set()

    def unread(self) -> set[str]:
        return set(self._form) - self._read

    def structure(self, shape: Any, prefix: str) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for member, member_shape in shape.members.items():
            written = member_shape.serialization
            name = written.get("queryName") or written.get("name") or member
            path = prefix + name[0].upper() + name[1:]
            if path in self._form or any(key.startswith(f"{path}.") for key in self._form):
                members[member] = self._value(member_shape, path)
        return members

    def _value(self, shape: Any, path: str) -> Any:
        if shape.type_name == "structure":
            return self.structure(shape, f"{path}.")
        if shape.type_name == "list":
            return [self._value(shape.member, f"{path}.{index}") for index in self._indices(path)]
        self._read.add(path)
        return _scalar(shape, self._form[path])

    def _indices(self, path: str) -> list[int]:
        rest = (key[len(path) + 1 :] for key in self._form if key.startswith(f"{path}."))
        return sorted({int(text.partition(".")[0]) for text in rest})


def _scalar(shape: Shape, text: str) -> Any:
    if shape.type_name in {"integer", "long"}:
        return int(text)
    if shape.type_name in {"float", "double"}:
        return float(text)
    if shape.type_name == "boolean":
        return text == "true"
    if shape.type_name == "timestamp":
        return parse_timestamp(text)
    return text


# --- answers ------------------------------------------------------------------------------------


def _checked_members(shape: Any, value: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield wire name, shape and value of each member that is set.

    Raises:
        ValueError: for a member the shape does not have.
    """
    unknown = sorted(set(value) - set(shape.members))
    if unknown:
        raise ValueError(f"{shape.name} has no member {', '.join(unknown)}")
    for member, member_shape in shape.members.items():
        if value.get(member) is not None:
            yield member_shape.serialization.get("name", member), member_shape, value[member]


def _to_xml_members(shape: Any, value: Mapping[str, Any]) -> Iterator[str]:
    for name, member_shape, member in _checked_members(shape, value):
        yield _to_xml(member_shape, member, name)


def _to_xml(shape: Any, value: Any, name: str) -> str:
    if shape.type_name == "structure":
        inner = "".join(_to_xml_members(shape, value))
    elif shape.type_name == "list":
        item = shape.member.serialization.get("name", "item")
        inner = "".join(_to_xml(shape.member, one, item) for one in value)
    elif shape.type_name == "boolean":
        inner = "true" if value else "false"
    elif isinstance(value, datetime):
        inner = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"


def _to_json(shape: Any, value: Any) -> Any:
    if shape.type_name == "structure":
        members = _checked_members(shape, value)
        return {name: _to_json(member_shape, member) for name, member_shape, member in members}
    if shape.type_name == "list":
        return [_to_json(shape.member, one) for one in value]
    if shape.type_name == "map":
        return {key: _to_json(shape.value, one) for key, one in value.items()}
    return value.timestamp() if isinstance(value, datetime) else value
