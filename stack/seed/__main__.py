"""Seed a stack from a container beside its pages: `python -m seed http://vote:8080/ http://result:8080/`."""

import sys
import time
from argparse import ArgumentParser

from seed import seeding
from seed.door import Door
from seed.errors import SeedError

SHOW_SECONDS = 2.0


class Lines:
    """Prints what is shown now and then."""

    def __init__(self) -> None:
        self._next = 0.0

    def show(self, text: str) -> None:
        """Print it, unless something was printed a moment ago."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + SHOW_SECONDS
            print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Bring the votes and return the exit code."""
    parser = ArgumentParser("seed", description="Vote as many new voters do, and say what was stored.")
    parser.add_argument("vote", help="the vote page, e.g. http://vote:8080/")
    parser.add_argument("result", help="the result page")
    parser.add_argument("--votes", type=int, default=3000)
    parser.add_argument("--rate", type=float, help="votes a second at most")
    told = parser.parse_args()
    try:
        report = seeding.run(Door(told.vote), Door(told.result), told.votes, told.rate, Lines().show)
    except SeedError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before the first vote, or a second time
        return 130
    print("\n".join(report.lines()))
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
