"""Settings of the language-model reasoner."""

from pydantic import BaseModel, ConfigDict, Field


class LlmConfig(BaseModel):
    """What a user may set; the defaults suit a model with a window of 32,000 tokens or more."""

    model_config = ConfigDict(extra="forbid")

    diagnosis: bool = True
    """False: the ablation without structured diagnosis (``--no-diagnosis``): no findings, no facts, hypotheses straight from the script."""
    prompt_tokens: int = Field(default=24_000, ge=1_000)
    """Most tokens of a prompt, estimated; what is cut first stands in `gome_graph.reasoners.llm.budget`."""
    code_rounds: int = Field(default=5, ge=1, le=10)
    """Most tries to write one change (gome.md, "Coding" [C]: 10); fewer where the time of a step is used up before."""
    judge: bool = True
    """False: the best mark is taken, without asking about momentum."""
