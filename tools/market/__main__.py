"""``python -m tools.market DATA_FOLDER OUTPUT_FOLDER``: rebuild the embedded market."""

from __future__ import annotations

import sys
from pathlib import Path

from broker.snapshot import write_market
from tools.market.assembly import embedded_market
from tools.market.aws import aws_rows
from tools.market.azure import azure_rows
from tools.market.gcp import gcp_rows


def main(arguments: list[str]) -> int:
    """Build the market from the collected data; return the exit code."""
    if len(arguments) != 2:
        print("usage: python -m tools.market DATA_FOLDER OUTPUT_FOLDER", file=sys.stderr)
        return 64
    data, output = map(Path, arguments)
    market = embedded_market([*aws_rows(data), *azure_rows(data), *gcp_rows(data)])
    write_market(market, output, private=False)
    print(f"{market.offers.height} offers written to {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
