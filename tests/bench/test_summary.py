import pytest

from gome_graph.bench.page import write_page
from gome_graph.bench.plan import Plan
from gome_graph.bench.summary import by_task, interval, mean_curve, summarise


def row(task: str, arm: str, score: float | None, seed: int = 0, *, higher: bool = True, improving: int = 1) -> dict[str, object]:
    return {
        "task": task, "arm": arm, "seed": seed, "higher_is_better": higher, "metric": "m", "test": None, "validation": score,
        "validation_error": 0.1, "improvement_rate": improving / 4, "improving": improving, "after": 4, "failed": 0, "brier": None,
        "medal": None, "has_thresholds": False, "steps": 5, "seconds": 10.0, "script_seconds": 5.0, "tokens": 0, "cost": 0.0,
    }  # fmt: skip


def test_gains_are_paired_and_turned_and_in_noise_units() -> None:
    rows = [row("a", "x", 0.5), row("a", "y", 0.7), row("b", "x", 3.0, higher=False), row("b", "y", 2.8, higher=False)]
    first, second = summarise(rows)
    assert first["gain"] == 0
    assert second["gain"] == pytest.approx(2.0)
    assert (second["better"], second["worse"], second["rank"], first["rank"]) == (2, 0, 1.0, 2.0)


def test_a_run_without_a_solution_is_last_and_counted() -> None:
    first, second = summarise([row("a", "x", 0.5), row("a", "y", None)])
    assert (first["rank"], second["rank"], second["valid"], second["pairs"]) == (1.0, 2.0, 0, 0)


def test_the_interval_resamples_tasks_not_seeds() -> None:
    one_task = {("a", seed): 1.0 + seed / 100 for seed in range(50)}
    assert interval(one_task) is None
    ends = interval({**one_task, ("b", 0): -1.0})
    assert ends is not None
    assert ends[0] < 0 < ends[1]


def test_a_curve_holds_its_last_value_and_begins_at_zero() -> None:
    points = [{"arm": "x", "task": "a", "seed": 0, "n": n, "at_seconds": n, "score": s, "error": 0.1} for n, s in ((2, 0.5), (4, 0.7))]
    mean, _ = mean_curve([row("a", "x", 0.7)], points, "x", "n", [1, 2, 3, 4, 5])
    assert mean == pytest.approx([0, 0, 0, 2, 2])


def test_the_page_holds_tables_and_commands(tmp_path) -> None:  # type: ignore[no-untyped-def]
    plan = Plan(suite="s", tasks={"a": "a"}, strategies=["x", "y"], reasoners=["rules"], ablations=["full"], seeds=[0], budget_seconds=60,
                steps=None, traces=None, cpus=None, executor="local")  # fmt: skip
    rows = [row("a", "x", 0.5), row("a", "<y>", 0.7)]
    page = write_page(plan, tmp_path, rows, [], "gome bench s").read_text()
    assert "&lt;y&gt;" in page
    assert "--strategy y" in page
    assert by_task(rows)[0]["arms"]["x"]["n"] == 1


def test_tokens_and_dollars_are_added_up_and_an_unknown_price_is_said() -> None:
    rows = [{**row("a", "x", 0.5), "tokens": 10, "cost": 0.5}, {**row("b", "x", 0.5), "tokens": 5, "cost": None}]
    assert (summarise(rows[:1])[0]["tokens"], summarise(rows[:1])[0]["cost"]) == (10, 0.5)
    assert (summarise(rows)[0]["tokens"], summarise(rows)[0]["cost"]) == (15, None)


def test_a_model_and_an_ablation_are_flags_of_the_run(tmp_path) -> None:  # type: ignore[no-untyped-def]
    plan = Plan(suite="s", tasks={"a": "a"}, strategies=["x"], reasoners=["llm"], ablations=["one-trace"], seeds=[0], budget_seconds=60,
                steps=4, traces=3, cpus=None, executor="local", models=["openai:gpt-5"])  # fmt: skip
    command = " ".join(plan.command(plan.cells[0], tmp_path))
    assert "--model openai:gpt-5" in command
    assert command.endswith("--traces 1")
    assert "--traces 3" not in command
