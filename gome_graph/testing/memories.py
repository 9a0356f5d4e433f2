"""What every memory must do, as a pytest class to inherit from.

Examples
--------
::

    from gome_graph.testing.memories import MemoryContract

    class TestMyMemory(MemoryContract):
        def make(self, path):
            return MyMemory(path)
"""

import math
import threading
from pathlib import Path
from typing import Any

import pytest

from gome_graph.hooks import Memory
from gome_graph.records import Component, Experience, Hypothesis, Momentum, RecallQuery, StepId, VerdictKind

GAMMA = math.log(2) / 30
"""docs/architecture.md, "Momentum"."""

TOPICS = (
    ("Blend the linear and the boosted model", "Their errors are only weakly correlated."),
    ("Encode high-cardinality categories by target statistics", "One-hot columns are too sparse for trees."),
    ("Predict the logarithm of the target", "The residuals are skewed to the right."),
    ("Use character n-grams of the text", "Word features miss spelling and style."),
    ("Stop boosting early on a held-out part", "The training score runs away from the validation score."),
    ("Fill missing numbers with a flag beside them", "Missingness itself carries signal."),
)


def hypothesis(topic: int = 0, **changes: Any) -> Hypothesis:
    """One of a few quite different hypotheses."""
    title, rationale = TOPICS[topic % len(TOPICS)]
    return Hypothesis(**{"title": title, "rationale": rationale, "component": Component.MODEL, **changes})


def experience(number: int = 0, *, topic: int | None = None, gain: float = 1.0, accepted: bool = True, **changes: Any) -> Experience:
    """A remembered step; its key comes from `number`."""
    step = StepId(f"t0-{number}")
    values: dict[str, Any] = {
        "key": f"run/0/{step}", "run": "run", "trace": 0, "step": step, "task": "task",
        "hypothesis": hypothesis(number if topic is None else topic), "gain_in_noise": gain,
        "verdict": VerdictKind.ACCEPTED if accepted else VerdictKind.NOT_BETTER,
    }  # fmt: skip
    return Experience(**{**values, **changes})


def query(*topics: int, steps: int = 0, seed: int = 0, **changes: Any) -> RecallQuery:
    """Ask about some of the hypotheses of `hypothesis`."""
    asked = [hypothesis(topic) for topic in topics or (0,)]
    return RecallQuery(**{"hypotheses": asked, "trace_steps": steps, "seed": seed, "task": "task", "run": "run", **changes})


def keys(momentum: Momentum) -> list[str]:
    """Keys of the successes, in order."""
    return [item.experience.key for item in momentum.successes]


class MemoryContract:
    """Inherit, implement `make`, and pytest checks your memory. Nothing here rests on a certain embedding."""

    def make(self, path: Path) -> Memory:
        """Open your memory in a directory; called again on the same directory to reopen it."""
        raise NotImplementedError

    @pytest.fixture
    def memory(self, tmp_path: Path) -> Any:
        memory = self.make(tmp_path / "memory")
        yield memory
        memory.close()

    def test_it_is_a_memory(self, memory: Memory) -> None:
        assert isinstance(memory, Memory)
        assert memory.name

    def test_an_empty_memory_recalls_nothing(self, memory: Memory) -> None:
        assert memory.recall(query()) == Momentum()

    def test_an_experience_comes_back_whole(self, memory: Memory) -> None:
        told = experience(
            3,
            traits={"rows": 100, "text": ["a"]},
            findings=["overfit"],
            patch_summary="+3 -1",
            gain=2.5,
            cost_seconds=12.5,
            reason="P(better) .97",
        )
        memory.remember(told)
        assert [item.experience for item in memory.recall(query(3)).successes] == [told]

    def test_recall_sees_what_was_remembered_a_moment_ago(self, memory: Memory) -> None:
        for number in range(5):
            memory.remember(experience(number))
            assert memory.recall(query(number)).considered == number + 1

    def test_experiences_outlive_the_memory_object(self, tmp_path: Path) -> None:
        first = self.make(tmp_path / "memory")
        first.remember(experience(1))
        first.close()
        second = self.make(tmp_path / "memory")
        assert keys(second.recall(query(1))) == ["run/0/t0-1"]
        second.close()

    def test_the_same_key_replaces(self, memory: Memory) -> None:
        memory.remember(experience(1, topic=1, gain=0.5))
        memory.remember(experience(1, topic=2, gain=1.5))
        momentum = memory.recall(query(2))
        assert momentum.considered == 1
        assert momentum.successes[0].experience == experience(1, topic=2, gain=1.5)

    def test_a_success_that_turns_out_a_failure_is_no_longer_a_success(self, memory: Memory) -> None:
        memory.remember(experience(1))
        memory.recall(query(1))
        memory.remember(experience(1, accepted=False, gain=-1.0))
        momentum = memory.recall(query(1))
        assert (keys(momentum), [item.experience.key for item in momentum.failures]) == ([], ["run/0/t0-1"])

    def test_failures_are_kept_apart(self, memory: Memory) -> None:
        memory.remember(experience(0))
        memory.remember(experience(1, topic=0, accepted=False, gain=-2.0))
        momentum = memory.recall(query(0))
        assert all(item.experience.success for item in momentum.successes)
        assert [item.experience.key for item in momentum.failures] == ["run/0/t0-1"]

    def test_at_most_eight_nearest_failures_nearest_first(self, memory: Memory) -> None:
        for number in range(12):
            later = {} if number < len(TOPICS) else {"title": f"{TOPICS[number % len(TOPICS)][0]}, try {number}"}
            memory.remember(experience(number, accepted=False, gain=-1.0, hypothesis=hypothesis(number, **later)))
        failures = memory.recall(query(4)).failures
        assert len(failures) == 8
        assert failures[0].experience.key == "run/0/t0-4"
        assert [item.similarity for item in failures] == sorted((item.similarity for item in failures), reverse=True)

    def test_a_stopped_step_teaches_nothing(self, memory: Memory) -> None:
        memory.remember(experience(1, verdict=VerdictKind.STOPPED, gain=-1.0))
        momentum = memory.recall(query(1))
        assert (momentum.successes, momentum.failures) == ([], [])

    def test_three_distinct_successes_the_best_among_them(self, memory: Memory) -> None:
        for number in range(6):
            memory.remember(experience(number, gain=number - 2.0))
        for seed in range(5):
            successes = memory.recall(query(5, seed=seed)).successes
            assert len({item.experience.key for item in successes}) == 3
            assert successes[0].experience.key == "run/0/t0-5"
            assert [item.weight for item in successes] == sorted((item.weight for item in successes), reverse=True)

    def test_the_weight_is_the_published_formula(self, memory: Memory) -> None:
        gains = {f"run/0/t0-{number}": 0.7 * number - 1.5 for number in range(6)}
        for number in range(6):
            memory.remember(experience(number, gain=gains[f"run/0/t0-{number}"]))
        momentum = memory.recall(query(2, steps=12))
        for item in momentum.successes:
            expected = item.similarity * math.exp(-GAMMA * 12) + math.tanh(gains[item.experience.key])
            assert item.weight == pytest.approx(expected, abs=1e-6)
            assert 0 < item.probability < 1

    def test_the_same_hypothesis_has_similarity_one(self, memory: Memory) -> None:
        memory.remember(experience(2))
        assert memory.recall(query(2)).successes[0].similarity == pytest.approx(1.0, abs=1e-3)

    def test_several_hypotheses_count_with_the_nearest(self, memory: Memory) -> None:
        memory.remember(experience(2))
        alone, together = memory.recall(query(2)), memory.recall(query(0, 2, 4))
        assert together.successes[0].similarity == pytest.approx(alone.successes[0].similarity, abs=1e-5)

    @pytest.mark.parametrize("factor", [1000.0, -1.0, 1e-6])
    def test_the_unit_and_direction_of_the_metric_change_nothing(self, tmp_path: Path, factor: float) -> None:
        answers = []
        for scale in (1.0, factor):
            memory = self.make(tmp_path / str(scale))
            for number in range(6):
                gain = 0.3 * number - 0.6
                told = experience(number, accepted=number % 3 != 2, gain=gain).model_copy(update={"gain": gain * 0.01 * scale})
                memory.remember(told)
            momentum = memory.recall(query(1, steps=4, seed=7))
            answers.append([(item.experience.key, item.weight, item.probability) for item in momentum.successes + momentum.failures])
            memory.close()
        assert answers[0] == answers[1]

    def test_more_gain_weighs_more(self, memory: Memory) -> None:
        for number, gain in enumerate((0.0, 0.5, 1.0)):
            memory.remember(experience(number, topic=0, gain=gain))
        weights = {item.experience.key: item.weight for item in memory.recall(query(0)).successes}
        assert weights["run/0/t0-0"] < weights["run/0/t0-1"] < weights["run/0/t0-2"]

    def test_similarity_fades_with_the_steps_of_the_trace(self, memory: Memory) -> None:
        memory.remember(experience(0, gain=0.0))
        early, late = (memory.recall(query(0, steps=steps)).successes[0].weight for steps in (0, 30))
        assert late == pytest.approx(early / 2, abs=1e-3)

    def test_same_seed_same_answer(self, memory: Memory) -> None:
        for number in range(12):
            memory.remember(experience(number, gain=0.1 * number, accepted=number % 4 != 3))
        assert memory.recall(query(1, seed=5)) == memory.recall(query(1, seed=5))

    def test_other_seeds_draw_others(self, memory: Memory) -> None:
        for number in range(12):
            memory.remember(experience(number, gain=0.1))
        assert len({tuple(keys(memory.recall(query(1, seed=seed)))) for seed in range(8)}) > 1

    def test_the_order_of_writing_changes_nothing(self, tmp_path: Path) -> None:
        answers: list[Momentum] = []
        for order in (range(12), reversed(range(12))):
            memory = self.make(tmp_path / str(len(answers)))
            for number in order:
                memory.remember(experience(number, gain=0.25, accepted=number % 3 != 2))
            answers.append(memory.recall(query(1, steps=3, seed=11)))
            memory.close()
        assert answers[0] == answers[1]

    @pytest.mark.parametrize(
        "text",
        [
            "Größe der Fläche logarithmieren",
            "用目标编码替换类别",
            "نموذج خطي",
            "🚀 boost 🤖",
            "a\x00b",
            "lone \ud800 surrogate",
            "",
            "x " * 5000,
        ],
    )
    def test_any_text_can_be_remembered(self, memory: Memory, text: str) -> None:
        odd = Hypothesis(title=text, rationale=text, component=Component.FEATURES)
        memory.remember(experience(1, hypothesis=odd, reason=text))
        momentum = memory.recall(query(hypotheses=[odd]))
        assert momentum.considered == 1
        assert momentum.successes[0].experience.hypothesis.title == text

    @pytest.mark.parametrize("gain", [float("inf"), float("-inf"), float("nan"), 1e300])
    def test_a_wild_gain_does_not_spoil_the_ranking(self, memory: Memory, gain: float) -> None:
        memory.remember(experience(0, gain=gain))
        memory.remember(experience(1, gain=0.5))
        momentum = memory.recall(query(0))
        assert all(math.isfinite(item.weight) for item in momentum.successes)
        assert sum(item.probability for item in momentum.successes) == pytest.approx(1.0)

    def test_threads_write_and_read_at_once(self, memory: Memory) -> None:
        problems: list[BaseException] = []

        def work(thread: int) -> None:
            try:
                for number in range(10):
                    memory.remember(experience(100 * thread + number))
                    memory.recall(query(number))
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not problems
        assert memory.recall(query()).considered == 40

    def test_two_memories_on_one_directory_see_each_other(self, tmp_path: Path) -> None:
        one, two = self.make(tmp_path / "memory"), self.make(tmp_path / "memory")
        one.remember(experience(1))
        assert keys(two.recall(query(1))) == ["run/0/t0-1"]
        two.remember(experience(2))
        assert one.recall(query(2)).considered == 2
        one.close()
        two.close()
