"""A real small model, served by llama.cpp: structured answers over the real wire, and a run that ends well whatever it says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from gome_graph.models import Ask, CapReached, InvalidAnswer, ModelUnavailable, Role
from gome_graph.models.session import ModelSession
from gome_graph.testing import small_model
from tests.models.conftest import Part, Run, ask

pytestmark = [pytest.mark.llm, pytest.mark.xdist_group("small-model")]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    lacking = small_model.missing()
    if lacking:
        pytest.skip(f"the small model is not installed: {'; '.join(lacking)}")
    with small_model.serving() as url:
        yield url


class Pick(BaseModel):
    """Where the fault lies."""

    part: Part
    confidence: float = Field(ge=0, le=1)
    reason: str = Field(max_length=80)


def test_its_answers_fit_the_schema_and_are_counted(run: Run, url: str) -> None:
    run.seconds = 2000.0
    session = run.open("openai:smollm2", base_url=url)
    for number, role in enumerate((Role.DIAGNOSE, Role.PROPOSE, Role.JUDGE)):
        question = f"Fold scores are 0.71, 0.70 and 0.{50 + number}; the training score is 0.99. Is it the data or the model? Be short."
        answer = session.ask(
            Ask(role=role, system="You judge scores.", user=question, schema=Pick, trace=0, step=1, template=f"{role.value}@0")
        )
        assert isinstance(answer.value, Pick)
        assert answer.tokens_in > 20
        assert answer.tokens_out > 5
    assert session.summary()["total"]["tokens_out"] > 15
    assert [event["role"] for event in run.of("answered")] == ["diagnose", "propose", "judge"]


def ask_on(session: ModelSession) -> None:
    for _ in range(20):
        session.ask(ask("Write a very long story about folds."))


def test_a_length_limit_is_a_truncated_answer(run: Run, url: str) -> None:
    """The cap leaves some hundred tokens: enough to ask, sometimes not enough to answer; never more than the cap is used."""
    session = run.open("openai:smollm2", base_url=url, max_tokens=1100)
    with pytest.raises((CapReached, ModelUnavailable, InvalidAnswer)):
        ask_on(session)
    assert 100 < session.ledger.tokens <= 1100


def test_the_record_of_a_real_model_replays(run: Run, url: str, tmp_path: Path) -> None:
    first = run.open("openai:smollm2", base_url=url).ask(ask("Is a deeper tree better? Be short."))
    again = Run(tmp_path / "again")
    again.folder.mkdir()
    replayed = again.open(f"replay:{run.folder}").ask(ask("Is a deeper tree better? Be short."))
    assert replayed == first
    assert again.events == run.events
