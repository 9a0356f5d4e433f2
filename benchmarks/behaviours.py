"""Behaviours 1, 3 (momentum), 4 (traces), 5 (patches), 6 (budget), 8 (durability) and 9 of the design; `validation_faults.py` does 2.

    python benchmarks/behaviours.py [--only momentum traces patches gradient budget durability] [--runs 20] [--json]
    python benchmarks/behaviours.py --journal RUN

The second form judges a run by its own record: behaviours 1 (typed gradient), 5 (patches) and 9 (no audit score anywhere). The part
`gradient` does so with a run whose requests are answered by rote: it measures the machinery, not a model's thinking.

Prints a line for each check: PASS, MISS or INFO (no bar), the figure, its bar, and what it was measured on. The momentum and traces parts
take two to four minutes; the budget part (real runs of 15 to 25 s, one in four killed and resumed) about 20 s a run. With ``--json`` the
checks follow as one JSON array. Exit code 1 if a bar was missed.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

PARTS = ("momentum", "traces", "patches", "gradient", "budget", "durability")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to measure (default: all)")
    parser.add_argument("--runs", type=int, default=20, help="real runs of the budget part, and of the durability part")
    parser.add_argument("--json", action="store_true", help="print all checks as JSON at the end")
    parser.add_argument("--verbose", action="store_true", help="print each real run")
    parser.add_argument("--journal", type=Path, metavar="RUN", help="judge this run's record instead")
    options = parser.parse_args()
    # The checks live with the tests, which use the cheap ones.
    sys.path.insert(0, str(Path(__file__).parents[1]))
    if options.journal is not None:
        from tests.behaviours import journal

        return report(journal.checks(options.journal), options.json)
    found = []
    with tempfile.TemporaryDirectory(prefix="gome-behaviours-") as folder:
        for part in options.only:
            for check in measure(part, Path(folder) / part, options.runs, options.verbose):
                print(check.line(), flush=True)
                found.append(check)
    return report(found, options.json, printed=True)


def report(found: list, as_json: bool, *, printed: bool = False) -> int:
    """Print what was not printed yet; the exit code."""
    for check in [] if printed else found:
        print(check.line())
    if as_json:
        print(json.dumps([asdict(check) for check in found]))
    return 0 if all(check.passed is not False for check in found) else 1


def measure(part: str, root: Path, runs: int, verbose: bool) -> list:
    """The checks of one part."""
    root.mkdir()
    if part == "momentum":
        from tests.behaviours import momentum

        return momentum.checks(root)
    if part == "traces":
        from tests.behaviours import traces

        return traces.checks(root)
    if part == "patches":
        from tests.behaviours import bugs

        return bugs.checks(root)
    if part == "gradient":
        from tests.behaviours import durability, journal

        return journal.checks(durability.record(root))
    if part == "durability":
        from tests.behaviours import durability

        return durability.checks(root, runs, tell=lambda line: print(line, flush=True) if verbose else None)
    from tests.behaviours import budgets

    return budgets.checks(budgets.sweep(root, runs, tell=lambda line: print(line, flush=True) if verbose else None))


if __name__ == "__main__":
    sys.exit(main())
