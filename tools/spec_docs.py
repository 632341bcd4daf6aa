"""Generate what follows from the spec's types: the tables of docs/spec.md and the JSON Schema.

Run from the repository's root: ``python -m tools.spec_docs``. A test fails while they are not
current.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, get_args, get_origin

from broker.spec_schema import default_of, described, spec_schema
from broker.spec_types import FieldFact, facts_of
from broker.workloads import (
    Assume,
    Batch,
    Carbon,
    Commitment,
    Concentration,
    Data,
    Discount,
    Exclusivity,
    ExportControl,
    Holdings,
    LatencyRule,
    Load,
    Policy,
    PowerCap,
    QuotaLimit,
    RampStep,
    Reads,
    Reservation,
    Running,
    SavingsPlan,
    Service,
    Shape,
    Spec,
    Spot,
    Spread,
    Stability,
    Training,
    Where,
    Workload,
)

SCHEMA: Final = Path("configs/schema/spec.schema.json")
PAGE: Final = Path("docs/spec.md")
MARK: Final = "<!-- The tables below are generated: python -m tools.spec_docs -->\n"

#: Types in the order of the page, with the key under which users meet them.
SECTIONS: Final[tuple[tuple[type, str], ...]] = (
    (Spec, "the file"),
    (Workload, "every workload"),
    (Training, "training[]"),
    (Service, "services[]"),
    (Batch, "batch[]"),
    (Shape, "shapes[]"),
    (Where, "where"),
    (Spot, "spot"),
    (Data, "data"),
    (Reads, "reads"),
    (Load, "demand[]"),
    (LatencyRule, "latency"),
    (Spread, "spread"),
    (Policy, "policy"),
    (Exclusivity, "policy.exclusivity[]"),
    (ExportControl, "policy.export_control[]"),
    (Concentration, "policy.concentration[]"),
    (PowerCap, "policy.power[]"),
    (Carbon, "policy.carbon"),
    (Holdings, "holdings"),
    (Reservation, "holdings.reservations[]"),
    (Commitment, "holdings.commitments[]"),
    (RampStep, "holdings.commitments[].ramp[]"),
    (Discount, "holdings.discounts[]"),
    (SavingsPlan, "holdings.savings_plans[]"),
    (QuotaLimit, "quotas[]"),
    (Assume, "assume"),
    (Stability, "stability"),
    (Running, "stability.current[]"),
)


#: How keys with a short form are written.
_SHORT_FORMS: Final[Mapping[tuple[type, str], str]] = {
    (Shape, "accelerators"): "`H100:64`, `A100:80GB:8`, or a list of names",
    (Shape, "gpu"): "`24GB..80GB`, `24GB..`, `24GB..80GB:2`",
    (Shape, "throughput"): "`12.5`, or of each size: `{short: 40, long: 6}`",
    (Service, "throughput"): "`12.5`, or of each size: `{short: 40, long: 6}`",
    (Load, "from"): "`paris`, a region, or `{lat: 48.9, lon: 2.4}`",
    (Policy, "concentration"): "mapping, or list of mappings",
    (Policy, "export_control"): "mapping, or list of mappings",
    (Policy, "power"): "mapping, or list of mappings",
    (Stability, "move_cost"): "money, or mapping of workloads to money",
    (Spec, "market"): "text, or list of texts",
    (Training, "reads"): "mapping, or list of mappings",
    (Batch, "reads"): "mapping, or list of mappings",
}

#: Fields that have no key of their own.
UNWRITTEN: Final[Mapping[type, tuple[str, ...]]] = {
    Shape: ("written",),
    Exclusivity: ("verb", "scopes", "scope"),
}

#: The verbs of a rule of exclusivity, of which it has exactly one: key, form, meaning.
_VERBS: Final = (
    ("only", "list of texts", "They run in these places and nowhere else."),
    ("never", "list of texts", "They run in none of these places."),
    ("apart", "`provider`, `region`, `zone`", "No two of them (with `tenants`: of two tenants) "
     "in one such scope."),
    ("together", "`provider`, `region`, `zone`", "All of their instances in one such scope."),
    ("alone", "`provider`, `region`, `zone`", "Nobody else in a scope that one of them uses."),
    ("first_refusal", "text", "They run elsewhere only if this provider cannot hold them, or "
     "where it costs less by more than `margin`."),
)  # fmt: skip


def schema_text() -> str:
    """Return the JSON Schema as the file holds it."""
    return json.dumps(spec_schema(), indent=2, ensure_ascii=False) + "\n"


def page_text(current: str) -> str:
    """Return the page with its tables made anew; what people wrote above them stays."""
    return current.partition(MARK)[0] + MARK + "\n" + "\n".join(_tables())


def _tables() -> Iterator[str]:
    for kind, key in SECTIONS:
        summary = (kind.__doc__ or "").partition("\n")[0]
        yield f"### {key}\n\n{summary}\n"
        yield "| key | written as | default | meaning |\n| --- | --- | --- | --- |"
        for fact in facts_of(kind).values():
            if _is_own(kind, fact):
                yield _row(kind, fact)
        if kind is Exclusivity:
            yield from (f"| `{verb}` | {form} |  | {text} |" for verb, form, text in _VERBS)
        yield ""


def _is_own(kind: type, fact: FieldFact) -> bool:
    """Return whether a field belongs on the page of `kind`, not on that of what it extends."""
    inherited = kind is not Workload and issubclass(kind, Workload)
    if fact.key in UNWRITTEN.get(kind, ()):
        return False
    return not (inherited and fact.key in facts_of(Workload))


def _row(kind: type, fact: FieldFact) -> str:
    default = "required" if fact.is_required else _default(fact)
    form = _SHORT_FORMS.get((kind, fact.key)) or _form(fact.annotation, fact)
    cells = (f"`{fact.key}`", form, default, described(fact))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(fact: FieldFact) -> str:
    default = default_of(fact)
    if default is None:
        return ""
    return f"`{json.dumps(default)}`".replace('"', "")


def _form(annotation: object, fact: FieldFact) -> str:
    """Return how a value is written, in a few words."""
    if fact.kind is not None:
        examples = [f"`{one}`" for one in fact.kind.examples]
        return f"{fact.kind.form}, e.g. {', '.join(examples)}" if examples else fact.kind.form
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return ", ".join(f"`{value}`" for value in annotation)
    if get_origin(annotation) is tuple:
        return f"list of {_item(get_args(annotation)[0])}"
    return "mapping"


def _item(annotation: object) -> str:
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return " / ".join(f"`{value}`" for value in annotation)
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return "mappings"
    return "texts" if get_args(annotation)[0] is str else "values"


def main() -> None:
    """Write both files."""
    SCHEMA.write_text(schema_text(), encoding="utf-8")
    PAGE.write_text(page_text(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
