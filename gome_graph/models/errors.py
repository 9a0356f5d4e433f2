"""What can go wrong between a reasoner and a model. A reasoner catches `ModelError` and lets the rules do that step."""

from gome_graph.errors import ModelError


class ModelUnavailable(ModelError):
    """No backend gave an answer: unreachable, overloaded, refused, or no time left to wait for it."""


class InvalidAnswer(ModelError):
    """The model answered, but in no try what the schema asks for.

    Parameters
    ----------
    text
        The last answer as it came.
    problem
        What is wrong with it, in the words the model was given.
    """

    def __init__(self, text: str, problem: str) -> None:
        super().__init__(f"the model's answer does not fit: {problem}")
        self.text = text
        self.problem = problem


class CapReached(ModelError):
    """A cap on tokens or money (``--max-tokens``, ``--max-cost``) allows no further request in this run."""
