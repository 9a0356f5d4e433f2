"""recall: what memory says about the hypotheses at hand."""

from typing import Any

from gome_graph.graph.experience import symptoms_of, traits_of
from gome_graph.graph.services import services
from gome_graph.graph.state import TraceState
from gome_graph.records import EventKind, Hypothesis, Recalled, RecallQuery, step_id
from gome_graph.support.seeds import derive_seed


def recall_node(state: TraceState) -> dict[str, Any]:
    """Ask memory and keep its answer with the step."""
    run = services(state["run_dir"])
    name = step_id(state["trace"], state["step"])
    folder = run.run.step(name)
    hypotheses = [Hypothesis.model_validate(h) for h in folder.load("hypotheses") or []]
    momentum = run.memory.recall(
        RecallQuery(
            hypotheses=hypotheses, trace_steps=state["step"], seed=derive_seed(run.settings.seed, "recall", name), task=run.brief.name,
            run=run.run.root.name, traits=traits_of(run.brief), findings=symptoms_of(folder),
        )
    )  # fmt: skip
    folder.save("momentum", momentum)
    told = {
        "considered": momentum.considered,
        "successes": [_line(r) for r in momentum.successes],
        "failures": [_line(r) for r in momentum.failures],
    }
    run.journal.add(EventKind.RECALLED, trace=state["trace"], step=name, momentum=told)
    return {}


def _line(recalled: Recalled) -> dict[str, Any]:
    """What the journal keeps of a recalled experience; the whole is in the step's ``momentum.json``."""
    experience = recalled.experience
    return {
        "step": experience.step, "title": experience.hypothesis.title, "gain_in_noise": experience.gain_in_noise,
        "weight": round(recalled.weight, 4), "similarity": round(recalled.similarity, 4),
    }  # fmt: skip
