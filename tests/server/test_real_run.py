"""The dashboard beside a real run."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
from serving import served


@pytest.mark.slow
def test_a_real_run_is_followed_hinted_and_stopped_from_its_page(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=300)
    pd.DataFrame({"id": range(300), "x": x, "y": 2 * x + random.normal(size=300)}).to_csv(tmp_path / "train.csv", index=False)
    process = subprocess.Popen(
        [sys.executable, "-m", "gome_graph.cli", "run", "--train", str(tmp_path / "train.csv"), "--target", "y", "--id", "id",
         "--metric", "rmse", "--budget", "10m", "--traces", "1", "--cpus", "1", "--no-memory",
         "--out", str(tmp_path / "runs" / "real"), "--quiet"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        (tmp_path / "runs").mkdir()
        with served(tmp_path / "runs") as address, httpx.Client(base_url=address, headers={"Origin": address}, timeout=60) as client:
            wait(lambda: " accepted" in client.get("/runs/real").text and "Stop the run" in client.get("/runs/real").text)
            assert client.post("/runs/real/hint", data={"text": "try a spline"}).status_code == 303
            wait(lambda: "hint: try a spline" in client.get("/runs/real").text)  # the run itself has heard it
            assert client.post("/runs/real/stop").status_code == 303
            assert process.wait(120) == 130
            text = client.get("/runs/real").text
        assert "stopped, best so far kept" in text
        assert "gome resume" in text
    finally:
        process.kill()
        process.wait()


def wait(true: Callable[[], bool], seconds: float = 180.0) -> None:
    """Until it is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.5)
