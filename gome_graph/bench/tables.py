"""The bench on disk: Parquet where pyarrow is installed, CSV otherwise; a table for people; each file whole or not at all."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

EXTRA = "pip install 'gome-graph[bench]'"


def write_tables(out: Path, rows: list[dict[str, Any]], points: list[dict[str, Any]]) -> dict[str, str]:
    """Write ``rows`` and ``curves`` below `out`; name -> path. Parquet if it can be had, else CSV."""
    import pandas as pd

    parquet = find_spec("pyarrow") is not None
    files = {}
    for name, values in (("rows", rows), ("curves", points)):
        path = out / f"{name}.{'parquet' if parquet else 'csv'}"
        draft = path.with_name(f".{path.name}.draft")
        frame = pd.DataFrame(values)
        if parquet:
            frame.to_parquet(draft, index=False)
        else:
            frame.to_csv(draft, index=False)
        draft.replace(path)
        files[name] = str(path)
    return files


def note() -> str | None:
    """What to say where no Parquet can be written."""
    return None if find_spec("pyarrow") else f"the tables are CSV, for Parquet needs pyarrow: {EXTRA}"


def summary_table(lines: list[dict[str, Any]]) -> "Table":
    """The arms, for people."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("arm", "runs", "gain over the first arm", "95 % over tasks", "better/worse", "rank", "improving steps", "medals", "s"):
        table.add_column(name, justify="left" if name == "arm" else "right")
    for line in lines:
        table.add_row(*cells(line))
    return table


def cells(line: dict[str, Any]) -> list[str]:
    """One arm in words."""
    between = line["gain_interval"]
    return [
        line["arm"], f"{line['valid']}/{line['runs']}", plus_minus(line["gain"], line["gain_sem"], "+.2f"),
        "-" if between is None else f"[{between[0]:+.2f}, {between[1]:+.2f}]", f"{line['better']}/{line['worse']}",
        "-" if line["rank"] is None else f"{line['rank']:.2f}",
        f"{line['improving']} of {line['after']} ({plus_minus(line['improvement_rate'], line['improvement_sem'], '.2f')})",
        "-" if line["medals"] is None else f"{line['medals']} of {line['graded']}", f"{line['seconds']:.0f}",
    ]  # fmt: skip


def plus_minus(mean: float | None, error: float | None, form: str) -> str:
    """``0.42 ± 0.03``."""
    if mean is None:
        return "-"
    return f"{mean:{form}}" + ("" if error is None else f" ± {error:.2f}")
