"""Plan from Python, look at the plan, and ask why.

Run: python examples/python_api.py
"""

from pathlib import Path

import broker

SPEC = Path(__file__).with_name("quickstart.yaml")


def main() -> None:
    """Plan the quickstart and print what an engineer looks at first."""
    plan = broker.plan(SPEC)

    print(f"{plan.cost.total} USD for {plan.period_h} h; proven to within {plan.proof.gap:.2%}")
    for one in plan.placements:
        print(f"{one.workload}: {one.instances} x {one.offer}, {one.cost.total} USD")
    for missing in plan.unmet:
        print(f"{missing.workload}: {missing.fraction:.0%} unmet: {missing.reasons[0]}")

    (finetune,) = broker.explain(plan, workload="finetune")
    print(f"{finetune.admitted} of {finetune.runnable} offers may run finetune; next best:")
    for other in finetune.alternatives:
        print(f"  {other.way.offer}: {other.dearer_usd:+} USD, {other.why_not}")

    # A spec may be plain data, too: what does the same run cost where it must stay in the EU?
    run = {
        "name": "finetune",
        "accelerators": "H100:64",
        "hours": 200,
        "where": {"residency": ["EU"]},
    }
    print(f"in the EU: {broker.plan({'training': [run]}).cost.total} USD")


if __name__ == "__main__":
    main()
