"""Specs with one mistake each in a rule of first refusal."""

from __future__ import annotations

from typing import Final

from tests.broker.bad_spec import Bad, rule


def _claim(name: str, text: str, path: str, piece: str) -> Bad:
    return Bad(
        name=name, text=rule(text), line=7, path=f"policy.exclusivity[0]{path}", piece=piece
    )


CLAIMS: Final = [
    _claim("claim of a region", "{workloads: [a], first_refusal: aws/us-east-1}",
           ".first_refusal", "one provider, such as azure"),
    _claim("claim of two", "{workloads: [a], first_refusal: [aws, gcp]}",
           ".first_refusal", "one provider, such as azure"),
    _claim("claim of a stranger", "{workloads: [a], first_refusal: ibm}",
           ".first_refusal", "a name that the market has"),
    _claim("claim and more", "{workloads: [a], only: [aws], first_refusal: aws}",
           ".first_refusal", "exactly one of only"),
    _claim("margin of all", "{workloads: [a], first_refusal: aws, margin: 100%}",
           ".margin", "below 100%"),
    _claim("margin of five", "{workloads: [a], first_refusal: aws, margin: 5}",
           ".margin", "5%?"),
    _claim("margin without a claim", "{workloads: [a], only: [aws], margin: 5%}",
           ".margin", "only with first_refusal"),
    _claim("claim of tenants", "{tenants: {x: [a], y: [a]}, first_refusal: aws}",
           ".tenants", "only with apart"),
]  # fmt: skip
