"""Where the loss is: every value, bin and gap of every input column against all other rows."""

import numpy as np

from gome_graph.diagnosis.codes import ColumnCodes
from gome_graph.records import SliceFacts

KEEP = 8
PER_COLUMN = 2
"""At most so many slices of one column, so that one bad column does not hide the next."""
MIN_ROWS = 30
"""Fewer rows than this give a mean loss nobody should act on (the normal approximation of z)."""


def worst_slices(losses: np.ndarray, codes: ColumnCodes, *, keep: int = KEEP) -> list[SliceFacts]:
    """The slices that lose most against the rest, worst first.

    Parameters
    ----------
    losses : array (rows of the frame,)
        Row losses, lower is better; rows whose loss is not finite are left out of no slice but count as the mean.
    codes : ColumnCodes
    keep : int

    Returns
    -------
    list of SliceFacts
        Only slices whose mean loss lies above the rest's, with at least `MIN_ROWS` rows inside and outside (and 0.5 % of all rows),
        by the share of the total loss that they carry beyond the rest's level, significant ones (z >= 3) first.
        ``z`` is Welch's statistic.
    """
    if not len(codes.labels):
        return []
    loss = codes.take(np.asarray(losses, dtype=float))
    loss = np.where(np.isfinite(loss), loss, np.nanmean(np.where(np.isfinite(loss), loss, np.nan)) if np.isfinite(loss).any() else 0.0)
    rows, total = len(loss), float(loss.sum())
    scale = float(loss.std())
    if rows == 0 or scale == 0.0 or not np.isfinite(scale):
        return []
    centre = loss.mean()
    shifted = (loss - centre) / scale  # numerically safe second moments, whatever the units of the loss
    inside, count = codes.sums(shifted), codes.counts.astype(float)
    squares = codes.sums(shifted * shifted)
    outside = rows - count
    fit = (count >= max(MIN_ROWS, rows // 200)) & (outside >= MIN_ROWS)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_in, mean_out = inside / count, (shifted.sum() - inside) / outside
        var_in = np.maximum(squares / count - mean_in**2, 0.0)
        var_out = np.maximum(((shifted * shifted).sum() - squares) / outside - mean_out**2, 0.0)
        error = np.sqrt(var_in / count + var_out / outside)
        difference = mean_in - mean_out
        z = np.where(error > 0, difference / error, 0.0)
        excess = difference * scale * count / abs(total) if total else np.zeros_like(count)
    chosen: list[SliceFacts] = []
    order = np.lexsort((-np.nan_to_num(excess), -(np.nan_to_num(z) >= 3.0).astype(int)))
    names: dict[str, int] = {}
    for group in order:
        if not fit[group] or not z[group] > 1.0:
            continue
        column = codes.columns[codes.owner[group]]
        if names.get(column, 0) >= PER_COLUMN:
            continue
        names[column] = names.get(column, 0) + 1
        chosen.append(
            SliceFacts(
                column=column, value=codes.labels[group], rows=round(count[group] * codes.rows / rows),
                loss=float(mean_in[group] * scale + centre), rest=float(mean_out[group] * scale + centre),
                z=float(np.clip(z[group], -1e6, 1e6)), excess=float(np.clip(excess[group], 0.0, 1.0)),
            )
        )  # fmt: skip
        if len(chosen) == keep:
            break
    return chosen
