"""Do predictions of test rows depend on their inputs?"""

import numpy as np
import pandas as pd

from gome_graph.validation.signals import depends_on_inputs


def table(rows: int = 300) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    kinds = rng.choice(["red", "green", "blue"], rows)
    frame = pd.DataFrame({"kind": kinds, "x": rng.normal(size=rows)})
    frame.loc[rng.random(rows) < 0.2, "kind"] = np.nan
    return frame, rng.normal(size=rows)


def test_missing_values_among_strings_count_as_a_value_of_their_own() -> None:
    frame, noise = table()
    of_gaps = frame["kind"].isna().to_numpy(float) + 0.1 * noise

    assert depends_on_inputs(of_gaps, frame)
    assert not depends_on_inputs(noise, frame)
