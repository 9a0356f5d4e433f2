"""The best so far is always on disk: from the first accepted step on, a kill leaves a valid submission."""

import threading

from gome_graph.graph.services import RunServices
from gome_graph.records import EventKind, StepId, Verdict
from gome_graph.run import StepDirectory
from gome_graph.support.files import write_text

_publishing = threading.Lock()


def publish(run: RunServices, folder: StepDirectory) -> None:
    """Make a folder's script and predictions the run's ``solution.py`` and ``submission.csv``, each whole or not at all."""
    solution = folder.solution()
    written = folder.output / "submission.csv"
    if solution is None or not written.exists():
        return
    if run.prepared.has_test:
        frame = run.prepared.format.read(written)
        write_text(run.run.submission_path, run.prepared.real_submission(frame).to_csv(index=False))
    write_text(run.run.solution_path, solution.script)
    link = run.run.root / "input"
    if not link.is_symlink():
        # So that `python solution.py` runs by hand in the run directory.
        link.symlink_to("prepared/final")


def best_step(run: RunServices) -> tuple[str, Verdict] | None:
    """The accepted step with the best validation score over all traces, from the verdicts on disk."""
    best: tuple[str, Verdict] | None = None
    for name in run.run.steps():
        verdict = run.run.step(name).verdict()
        if verdict is None or not verdict.accepted or verdict.score is None:
            continue
        if best is None or (best[1].score is not None and verdict.score.better_than(best[1].score)):
            best = name, verdict
    return best


def publish_if_best(run: RunServices, name: str, verdict: Verdict) -> None:
    """Publish an accepted step if no other accepted one has a better score."""
    with _publishing:
        best = best_step(run)
        if best is not None and best[0] != name and not _beats(verdict, best[1]):
            return
        publish(run, run.run.step(name))
        run.journal.add(EventKind.BEST, step=StepId(name), score=verdict.score and verdict.score.model_dump(mode="json"))


def republish(run: RunServices) -> None:
    """After a veto: publish the best of what is left, or nothing."""
    with _publishing:
        best = best_step(run)
        if best is None:
            run.run.solution_path.unlink(missing_ok=True)
            run.run.submission_path.unlink(missing_ok=True)
            return
        publish(run, run.run.step(best[0]))
        run.journal.add(EventKind.BEST, step=StepId(best[0]), score=best[1].score and best[1].score.model_dump(mode="json"))


def _beats(new: Verdict, old: Verdict) -> bool:
    return new.score is not None and (old.score is None or new.score.better_than(old.score))
