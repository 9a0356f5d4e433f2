"""What a run was asked to do, and what came of it."""

import os
from pathlib import Path
from typing import Any

from pydantic import Field

from gome_graph.records import Record, Score, Seconds

MOST_BUDGET_SECONDS = 30 * 86_400.0
"""A month: more is a slip of the pen."""


class RunChoices(Record):
    """What anybody who may start a run can choose. An assistant on a server carries these, and Studio makes a form of them."""

    budget_seconds: Seconds = Field(default=600.0, gt=0, le=MOST_BUDGET_SECONDS)
    """Wall-clock budget of the whole run, finalise included."""
    traces: int = Field(default=3, ge=1, le=64)
    """Parallel traces."""
    seed: int = Field(default=0, ge=0)
    """The one seed all randomness comes from."""
    max_steps: int | None = Field(default=None, ge=1)
    """Steps per trace (the draft included). With it, decisions depend on step counts instead of the clock."""
    reasoner: str = "rules"
    """Who thinks, by name; ``rules@0.5`` is right every second time (a study of how much a strategy needs its reasoner)."""
    models: list[str] = []
    """``provider:model`` for all roles, ``role=provider:model`` for one; empty: no language model is asked."""
    fallback: list[str] = []
    """Models that are asked, in this order, where the first choice fails."""
    max_cost: float | None = Field(default=None, gt=0)
    """Cap on what models may cost, US dollars."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Cap on the tokens of all prompts and answers."""
    strategy: str = "gradient"
    """Who chooses where the next step starts."""
    executor: str = "local"
    """Where scripts run: ``local``, or a plugin's (``docker``, ``ray``)."""
    memory: str = "auto"
    """``auto`` (Chroma where installed, ``exact`` for a single trace that shares no memory, else none), ``chroma``, ``exact`` (no index
    service), ``none``, or a plugin's."""
    diagnosis: bool = True
    """False: the ablation without structured diagnosis."""
    folds: int = Field(default=5, ge=2, le=20)
    """Folds of the validation."""
    audit: float = Field(default=0.1, ge=0, lt=0.5)
    """Share of the training rows that no reasoner sees scored."""
    audit_selection: bool = True
    """False: the ablation that chooses the final solution by validation alone; the audit part is still measured and reported."""
    top_k: int = Field(default=3, ge=1)
    """Solutions that finalise re-runs (gome.md, "Final")."""
    final_seeds: int = Field(default=3, ge=1)
    """Seeds for each of them."""
    cpus: int | None = Field(default=None, ge=1)
    """Cores to share among traces; None takes what the process may use."""
    review: bool = False
    """Pause before the result is chosen, so that a person can pin, veto, give hints or ask for further steps."""


class RunSettings(RunChoices):
    """Everything the owner of the machine can set for a run. Recorded in ``run.json``, so that a run can be repeated."""

    base_url: str | None = None
    """Address of an OpenAI-compatible server; None: the provider's own."""
    prices: Path | None = None
    """The user's table of prices (TOML)."""
    record: Path | None = None
    """A file that gets every request and reply as well; the run directory keeps them anyway."""
    reasoner_config: dict[str, Any] = {}
    """Settings of the reasoner beside `diagnosis`."""
    executor_config: dict[str, Any] = {}
    """Settings of the executor."""
    memory_path: Path | None = None
    """Folder of the memory; None keeps it in the run directory."""
    memory_server: str | None = None
    """Address of a memory that several machines share: ``chroma://host:port``."""
    memory_limit_bytes: int = Field(default=0, ge=0)
    """Memory for one script; 0 shares 80 % of the machine's memory among traces."""
    closed_world: bool = False
    """No shared memory, no network for scripts; the command line refuses what does not fit."""
    plugins: list[str] | None = None
    """Plugins to load; None loads all that are installed."""

    @classmethod
    def chosen(cls, choices: RunChoices) -> "RunSettings":
        """Settings from choices; traces, audit part and final seeds that nobody chose follow from the budget, as on the command line."""
        given = choices.model_dump(exclude_unset=True)
        of_budget = (choices.budget_seconds, choices.cpus, choices.max_steps)
        derived = {
            "traces": default_traces(*of_budget), "audit": default_audit(*of_budget), "final_seeds": default_final_seeds(*of_budget),
        }  # fmt: skip
        return cls.model_validate(derived | given)


MOST_TRACES = 3
"""gome.md, "Traces"."""
TRACE_CPU_SECONDS = 75.0
"""CPU seconds of the budget that a trace needs: each step starts Python and its libraries (3 s), and a trace with fewer than ten steps
learns too little from them. On one core 60 s go to a single trace, 5 minutes to three."""


def default_traces(budget_seconds: Seconds, cpus: int | None = None, max_steps: int | None = None) -> int:
    """How many traces a budget bears, 1 to `MOST_TRACES`; all of them in a run that is counted in steps."""
    if max_steps is not None:
        return MOST_TRACES
    cores = cpus or len(os.sched_getaffinity(0))
    return min(MOST_TRACES, max(1, int(budget_seconds * cores / TRACE_CPU_SECONDS)))


AUDIT_SHARE = 0.1
"""architecture.md, "Evaluation contract"."""


def default_audit(budget_seconds: Seconds, cpus: int | None = None, max_steps: int | None = None) -> float:
    """Share of the rows for the audit part: none on a budget for a single trace.

    An audit part has its price: its rows are missing from every fit, and the final fit that brings them back costs as much as all of the
    solution's members. On such a budget that is a third of it, which buys more as further members.
    """
    return AUDIT_SHARE if default_traces(budget_seconds, cpus, max_steps) > 1 else 0.0


FINAL_SEEDS = 3
"""gome.md, "Final"."""


def default_final_seeds(budget_seconds: Seconds, cpus: int | None = None, max_steps: int | None = None) -> int:
    """Seeds for the last round: one on a budget for a single trace, where a re-run would cost a step."""
    return FINAL_SEEDS if default_traces(budget_seconds, cpus, max_steps) > 1 else 1


class RunResult(Record):
    """How a run ended."""

    status: str
    """``done``, ``stopped`` (by the user, best so far saved), ``paused`` (waits for a person) or ``failed`` (no valid solution found)."""
    run_dir: Path
    step: str | None = None
    """The step whose solution was handed out."""
    reason: str = ""
    """Why this step was handed out and not another."""
    ended: str = ""
    """Why most traces ended."""
    score: Score | None = None
    """Its validation score."""
    first_score: Score | None = None
    """Score of the first valid draft of any trace: the baseline."""
    audit: Score | None = None
    """Its score on the audit part, revealed only now."""
    steps: int = 0
    accepted: int = 0
    spent_seconds: Seconds = 0.0
    files: dict[str, str] = {}
    """solution, submission, report: paths."""

    @property
    def exit_code(self) -> int:
        """architecture.md, "Command line"."""
        return {"done": 0, "failed": 1, "stopped": 130, "paused": 130}[self.status]
