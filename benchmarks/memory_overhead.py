"""What the success memory costs: the orchestrator's CPU and wall a call, and the index service's memory.

``python benchmarks/memory_overhead.py [--sizes 100,1000,10000] [--embedding minilm|hash] [--index chroma|exact]``. Hypotheses are distinct
sentences from a small grammar. "caught up" is the service's time to read a memory that was written all at once (embedding included).
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gome_graph.records import Component, Experience, Hypothesis, RecallQuery, StepId, VerdictKind
from gome_memory.memory import MemoryConfig, SuccessMemory

VERBS = ("Add", "Drop", "Encode", "Blend", "Scale", "Bin", "Tune", "Regularise", "Smooth", "Cross")
OBJECTS = (
    "ratios",
    "target statistics",
    "n-grams",
    "leaf counts",
    "learning rates",
    "seeds",
    "calibration",
    "date parts",
    "group means",
    "folds",
)
REASONS = ("residuals are skewed", "folds disagree", "a slice fails", "training runs away", "categories are sparse", "text is unused")


def hypothesis(number: int) -> Hypothesis:
    """A sentence that no other number gives."""
    verb, rest = VERBS[number % 10], number // 10
    title = f"{verb} {OBJECTS[rest % 10]} of column {rest // 10}"
    return Hypothesis(title=title, rationale=f"Measured: {REASONS[number % 6]}.", component=Component.FEATURES)


def experience(number: int, rng: np.random.Generator) -> Experience:
    """Four in ten accepted."""
    accepted = bool(rng.random() < 0.4)
    return Experience(
        key=f"bench/{number % 3}/t{number % 3}-{number}", run="bench", trace=number % 3, step=StepId(f"t{number % 3}-{number}"),
        task="bench", traits={"rows": 10_000, "columns": 30}, findings=["overfit", "unused_column"], hypothesis=hypothesis(number),
        patch_summary="12 lines in 2 places", gain_in_noise=float(rng.normal(1.5 if accepted else -1.0)), cost_seconds=30.0,
        verdict=VerdictKind.ACCEPTED if accepted else VerdictKind.NOT_BETTER, reason="P(better) 0.91 >= 0.80",
    )  # fmt: skip


def measured(calls: list[Callable[[], object]]) -> dict[str, float]:
    """Median CPU and wall of this process, in milliseconds, and the worst CPU."""
    cpu, wall = [], []
    for call in calls:
        begin = time.process_time(), time.perf_counter()
        call()
        cpu.append(1000 * (time.process_time() - begin[0]))
        wall.append(1000 * (time.perf_counter() - begin[1]))
    return {"cpu_ms": round(statistics.median(cpu), 2), "wall_ms": round(statistics.median(wall), 2), "cpu_ms_worst": round(max(cpu), 2)}


def bench(size: int, embedding: str, index: str, repeats: int) -> dict[str, object]:
    """One size, in a fresh directory."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as directory:
        memory = SuccessMemory(Path(directory) / "memory", MemoryConfig(index=index, embedding=embedding))
        memory.remember_all([experience(number, rng) for number in range(size)])
        ask = [
            RecallQuery(hypotheses=[hypothesis(7 * n), hypothesis(31 * n)], trace_steps=n, seed=n, task="b", run="b")
            for n in range(repeats)
        ]
        begin = time.perf_counter()
        memory.recall(ask[0])
        ready = time.perf_counter() - begin
        recalled = measured([lambda query=query: memory.recall(query) for query in ask])
        fresh = [experience(size + n, rng) for n in range(repeats)]
        remembered = measured([lambda item=item: memory.remember(item) for item in fresh])
        status = memory.status()
        memory.close()
    return {
        "experiences": size, "embedding": embedding, "remember": remembered, "recall": recalled, "caught_up_seconds": round(ready, 1),
        "service_mb": round(int(str(status.get("memory_bytes", 0))) / 1e6),
        "service_cpu_seconds": round(float(str(status.get("cpu_seconds", 0))), 1),
        "note": status["note"],
    }  # fmt: skip


def main() -> None:
    """Print one line a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="100,1000,10000")
    parser.add_argument("--embedding", default="minilm")
    parser.add_argument("--index", default="chroma", choices=["chroma", "exact"])
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    print("" if options.json else "experiences  remember cpu/wall ms  recall cpu/wall ms  service MB  service CPU s  caught up s")
    for size in (int(part) for part in options.sizes.split(",")):
        row = bench(size, options.embedding, options.index, options.repeats)
        if options.json:
            print(json.dumps(row))
            continue
        told, asked = row["remember"], row["recall"]
        assert isinstance(told, dict)
        assert isinstance(asked, dict)
        print(
            f"{size:11d}  {told['cpu_ms']:8.2f} / {told['wall_ms']:8.2f}  {asked['cpu_ms']:7.2f} / {asked['wall_ms']:8.2f}"
            f"  {row['service_mb']:10}  {row['service_cpu_seconds']:13}  {row['caught_up_seconds']:11}  {row['note']}",
            flush=True,
        )


if __name__ == "__main__":
    main()
