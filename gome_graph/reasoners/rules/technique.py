"""A technique: one thing an engineer knows to try, when it applies, what it changes, and what it is worth.

A technique never writes code: it changes a `Recipe`, and the writer renders the script. Plugins offer their own through the hook
``gome_techniques``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from gome_graph.errors import PluginError
from gome_graph.hooks import Library, SiblingFacts, StepContext, TaskBrief
from gome_graph.reasoners.rules.recipe import FILE_KINDS, Member, Recipe
from gome_graph.records import (
    BudgetStage,
    ColumnKind,
    ColumnProfile,
    Component,
    DiagnosticPack,
    Finding,
    Seconds,
    TargetKind,
    TaskProfile,
)

CLASS_KINDS = frozenset({TargetKind.BINARY, TargetKind.MULTICLASS, TargetKind.ORDINAL, TargetKind.MULTILABEL})
NUMBER_KINDS = frozenset({TargetKind.REGRESSION, TargetKind.MULTI_REGRESSION})


@dataclass(frozen=True, eq=False)  # the same only if it is the very same: what is worked out of it is kept by identity
class TechniqueContext:
    """What a technique may look at: the task, the recipe it would change, and the findings about it. Read-only."""

    task: TaskBrief
    recipe: Recipe
    findings: Sequence[Finding] = ()
    stage: BudgetStage = BudgetStage.IMPROVE
    pack: DiagnosticPack | None = None
    hints: Sequence[str] = ()
    siblings: Sequence[SiblingFacts] = ()
    incumbent_seconds: Seconds = 0.0
    time_limit: Seconds = 0.0
    seconds_left: Seconds = 0.0
    cpus: int = 1
    final_limit: Seconds = 0.0
    """Longest whole run that can still be fitted again at the end; 0: no limit."""
    library: Library | None = None

    @classmethod
    def of(cls, context: StepContext, recipe: Recipe, *, diagnosis: bool = True) -> "TechniqueContext":
        """The technique's view of a step; without `diagnosis` it sees neither findings nor measured facts (ablation)."""
        return cls(
            task=context.task, recipe=recipe, findings=tuple(context.findings) if diagnosis else (), stage=context.stage,
            pack=context.pack if diagnosis else None, hints=tuple(context.hints), siblings=tuple(context.siblings),
            incumbent_seconds=context.incumbent_seconds, time_limit=context.time_limit, seconds_left=context.seconds_left,
            cpus=context.cpus, final_limit=context.final_limit, library=context.library,
        )  # fmt: skip

    # -- the task ----------------------------------------------------------------------------------------------------

    @property
    def profile(self) -> TaskProfile:
        """Measured facts of the tables."""
        return self.task.profile

    @property
    def target(self) -> TargetKind:
        """The learning problem."""
        return self.task.profile.target.kind

    @property
    def classes(self) -> bool:
        """True for targets that are classes (ordinal grades included)."""
        return self.target in CLASS_KINDS

    @property
    def numbers(self) -> bool:
        """True for numeric targets."""
        return self.target in NUMBER_KINDS

    @property
    def single_target(self) -> bool:
        """True if one column is predicted."""
        return len(self.profile.target.columns) == 1

    @property
    def labels(self) -> bool:
        """True if the submission holds labels, so that a decision rule stands between scores and submission."""
        return self.task.prediction == "label"

    @property
    def probabilities(self) -> bool:
        """True if the submission holds probabilities."""
        return self.task.prediction in ("probability", "probabilities")

    # -- what the run has ---------------------------------------------------------------------------------------------

    @cached_property
    def kept(self) -> frozenset[str]:
        """Keys of members whose predictions are at hand: they cost nothing at full stage."""
        return self.library.kept.keys() if self.library is not None else frozenset()

    # -- the recipe --------------------------------------------------------------------------------------------------

    @cached_property
    def dropped(self) -> frozenset[str]:
        """Raw columns that the recipe does not use."""
        steps = [c for step in self.recipe.features if step.kind == "drop_columns" for c in step.columns]
        return frozenset([*self.recipe.drop, *steps])

    def columns(self, *kinds: ColumnKind) -> list[ColumnProfile]:
        """Raw columns of these kinds that the recipe uses, in file order."""
        return [c for c in self.profile.columns if c.kind in kinds and c.name not in self.dropped]

    @cached_property
    def text_columns(self) -> list[str]:
        """Names of text and list columns."""
        return [c.name for c in self.columns(ColumnKind.TEXT, ColumnKind.LIST)]

    @cached_property
    def tabular_columns(self) -> list[ColumnProfile]:
        """Columns other than text and lists that carry information."""
        kinds = (ColumnKind.NUMBER, ColumnKind.CATEGORY, ColumnKind.BOOLEAN, ColumnKind.DATETIME, ColumnKind.COMPOUND)
        return self.columns(*kinds)

    @property
    def has_tables(self) -> bool:
        """True if there are inputs other than text: columns, or what the recipe reads from files."""
        return bool(self.tabular_columns) or any(step.kind in FILE_KINDS for step in self.recipe.features)

    @cached_property
    def numeric_columns(self) -> list[ColumnProfile]:
        """Number columns in use."""
        return self.columns(ColumnKind.NUMBER)

    @cached_property
    def category_columns(self) -> list[ColumnProfile]:
        """Category and boolean columns in use."""
        return self.columns(ColumnKind.CATEGORY, ColumnKind.BOOLEAN)

    @property
    def members(self) -> list[Member]:
        """The recipe's members that count (the first alone, if nothing is blended)."""
        return self.recipe.members[:1] if self.recipe.blend == "single" else list(self.recipe.members)

    def importance(self, name: str) -> float:
        """Share of feature use of a raw column, 0 where it was not reported."""
        return self.pack.importance.get(name, 0.0) if self.pack is not None else 0.0

    def by_importance(self, columns: Iterable[ColumnProfile]) -> list[str]:
        """Names, most used first; file order where nothing was reported."""
        return [c.name for c in sorted(columns, key=lambda c: -self.importance(c.name))]

    # -- the findings ------------------------------------------------------------------------------------------------

    def finding(self, *symptoms: str) -> Finding | None:
        """The most severe finding among these symptoms."""
        return max((f for f in self.findings if f.symptom in symptoms), key=lambda f: f.severity, default=None)

    def severity(self, *symptoms: str) -> float:
        """Severity of the worst of these symptoms, 0 if none was found."""
        worst = self.finding(*symptoms)
        return worst.severity if worst else 0.0

    def flagged(self, *symptoms: str) -> list[str]:
        """Columns that these symptoms name, most severe first, without repetition."""
        found = sorted((f for f in self.findings if f.symptom in symptoms), key=lambda f: -f.severity)
        return list(dict.fromkeys(c for f in found for c in f.columns))


@dataclass(frozen=True)
class Variant:
    """One way to carry a technique out: the changed recipe and how to tell it from the technique's other variants."""

    recipe: Recipe
    title: str = ""
    """Imperative title; the technique's own if empty. Two variants of a technique must not share one."""
    params: dict[str, Any] = field(default_factory=dict)
    """What was chosen (JSON), for the hypothesis and for telling repetitions."""
    gain: float | None = None
    """Prior gain of this variant in noise units; the technique's if None."""
    success: float | None = None
    """Prior probability of acceptance; the technique's if None."""


Change = Callable[[Recipe, TechniqueContext], Sequence[Variant]]
"""Pure and deterministic: the variants a technique offers on a recipe, best first."""


def always(context: TechniqueContext) -> bool:
    """For techniques whose `change` alone says where they apply."""
    return True


@dataclass(frozen=True)
class Technique:
    """One entry of the catalog.

    `change` must be pure and deterministic, must return recipes that differ from the one given, and returns nothing where there is nothing
    (left) to do: applying a technique to its own result must not offer the same variant again.
    """

    name: str
    """Unique, snake_case."""
    title: str
    """Imperative, short: "Blend in another model family"."""
    component: Component
    change: Change
    """The variants it offers on this recipe, best first."""
    rationale: str
    """Why it helps, one sentence."""
    direction: str
    """Direction of change in words, for the diagnosis."""
    falsifier: str
    """What measurement would show that it was the wrong idea."""
    applies: Callable[[TechniqueContext], bool] = always
    """False keeps it out: a cheap test of task, recipe and findings."""
    answers: Mapping[str, float] = field(default_factory=dict)
    """Symptoms it treats, with strengths from 0 to 1."""
    prior_gain: float = 1.0
    """Gain in noise units (gain / standard error of the paired difference) if it is accepted."""
    prior_success: float = 0.3
    """Probability that it is accepted, before anything is known of the run."""
    stages: Mapping[BudgetStage, float] = field(default_factory=dict)
    """Weight by budget stage; 1 where nothing is said."""
    cost: float = 1.0
    """Multiplier on what the cost model says of the changed recipe (feature steps that are dear)."""
    challenge: bool = False
    """True if it only makes sense as an answer to a finding: without one of its symptoms it is left out."""
    source: str = ""
    """Paper, book or documentation it comes from."""

    def variants(self, context: TechniqueContext, limit: int = 4) -> list[Variant]:
        """The variants that would change something, best first; empty where the technique does not apply."""
        if self.challenge and not context.severity(*self.answers):
            return []
        if not self.applies(context):
            return []
        return [v for v in self.change(context.recipe, context) if v.recipe != context.recipe][:limit]

    def match(self, findings: Iterable[Finding]) -> float:
        """How well it answers the findings: the largest strength x severity, 0 to 1."""
        return max((self.answers.get(f.symptom, 0.0) * f.severity for f in findings), default=0.0)


def collect(offered: Iterable[tuple[str, Iterable[Technique]]]) -> list[Technique]:
    """One catalog from several sources, ordered by name.

    Parameters
    ----------
    offered
        Pairs (who offers, techniques).

    Raises
    ------
    PluginError
        If two sources offer the same name, or something that is not a `Technique`.
    """
    owners: dict[str, str] = {}
    found: list[Technique] = []
    for owner, techniques in offered:
        for technique in techniques:
            if not isinstance(technique, Technique):
                raise PluginError(f"{owner} offers {technique!r} as a technique; it must be a Technique")
            if technique.name in owners:
                raise PluginError(
                    f"{owners[technique.name]} and {owner} both offer a technique called {technique.name!r}; rename one, "
                    f"or choose plugins with GOME_PLUGINS"
                )
            owners[technique.name] = owner
            found.append(technique)
    return sorted(found, key=lambda t: t.name)
