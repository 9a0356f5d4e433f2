"""Symptom ``unconverged``: a solver stopped before it was done."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

SIGNS = ("convergencewarning", "did not converge", "failed to converge", "not converged", "increase the number of iterations",
         "maximum iterations", "max_iter")  # fmt: skip
SOLVERS = ("linear", "logistic", "ridge", "lasso", "elastic", "svm", "svc", "svr", "sgd", "mlp", "neural", "perceptron")


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 0.5 for a warning; for solvers at their cap, 0.3 + 0.3 x the share of their fits that hit it."""
    warned = [index for index, text in enumerate(pack.warnings) if any(sign in text.lower() for sign in SIGNS)]
    fits = [f for f in pack.folds if f.iterations and f.max_iterations and any(part in f.model.lower() for part in SOLVERS)]
    capped = [f for f in fits if (f.iterations or 0) >= (f.max_iterations or 0)]
    if not warned and not capped:
        return
    share = len(capped) / len(fits) if fits else 0.0
    told = f"the log says {pack.warnings[warned[0]][:120]!r}" if warned else ""
    cap = f"{len(capped)} of {len(fits)} fits used all {capped[0].max_iterations} iterations" if capped else ""
    yield Finding(
        symptom="unconverged", component=Component.TRAINING,
        severity=unit(max(0.5 if warned else 0.0, 0.3 + 0.3 * share if capped else 0.0)),
        summary=f"Training did not converge: {'; '.join(part for part in (told, cap) if part)}",
        evidence=[*(e for i in warned[:2] for e in evidence(pack, f"warnings.{i}")),
                  *(evidence(pack, f"folds.{pack.folds.index(capped[0])}.iterations") if capped else [])],
        direction="scale the inputs, allow more iterations, or change the solver",
    )  # fmt: skip
