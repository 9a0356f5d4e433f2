"""The package that a run hands over: a folder with the script, its training data, a schema, and a way to predict; runs without gome."""

import ast
import json
import shutil
import sys
import tempfile
import zipfile
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gome_graph.errors import RunError
from gome_graph.records import ColumnKind, ColumnProfile, Solution, Stage
from gome_graph.report.format import duration, score_text
from gome_graph.report.page import template, template_text

if TYPE_CHECKING:
    from gome_graph.report.story import RunView, StepView
    from gome_graph.run import RunDirectory
    from gome_graph.task import PreparedTask

LARGEST_DATA = 2 << 30
"""Bytes of training data that a package takes along unless it is told to leave them out."""

LEFT_OUT = ("test.csv", "sample_submission.csv")
"""Files of the prepared folder that `predict.py` writes anew."""


def write_package(run: "RunDirectory", view: "RunView", step: str, out: Path, *, data: bool = True, zipped: bool = False) -> Path:
    """Write the package of one step and return its path: `out`, or with `zipped` a file. It appears whole or not at all.

    Raises
    ------
    RunError
        If the step has no valid score, the run has no prepared data, `out` is there already, or the data are too large to take along.
    """
    from gome_graph.task import PreparedTask

    solution, found = run.step(step).solution(), view.find(step)
    if solution is None or found is None or found.score is None:
        raise RunError(f"step {step} of {run.root} has no valid score; export one that has: gome show {run.root}")
    target = out.with_name(out.name + ".zip") if zipped and out.suffix != ".zip" else out
    if target.exists():
        raise RunError(f"{target} is there already; give another --out")
    prepared = PreparedTask.open(run.prepared)
    source = prepared.input_dir(Stage.FINAL)
    if data and (size := _size(source)) > LARGEST_DATA:
        raise RunError(f"the training data of {run.root} take {size / 1e9:.1f} GB; leave them out with --no-data")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as temporary:
        folder = Path(temporary) / target.stem if zipped else Path(temporary) / "package"
        folder.mkdir()
        _fill(folder, run, view, found, solution, prepared, source if data else None)
        made = _zip(folder, Path(temporary) / "package.zip") if zipped else folder
        made.replace(target)
    return target


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.name not in LEFT_OUT)


def _fill(
    folder: Path, run: "RunDirectory", view: "RunView", step: "StepView", solution: Solution, prepared: "PreparedTask", source: Path | None
) -> None:
    (folder / "solution.py").write_text(solution.script, encoding="utf-8")
    (folder / "predict.py").write_text(template_text("predict.py"), encoding="utf-8")
    schema = schema_of(prepared)
    (folder / "schema.json").write_text(_json(schema), encoding="utf-8")
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in requirements(solution.script)), encoding="utf-8")
    if source is not None:
        shutil.copytree(source, folder / "input", ignore=shutil.ignore_patterns(*LEFT_OUT), copy_function=shutil.copyfile)
        (folder / "input").chmod(0o755)  # the prepared folder is the controller's alone
    audit = run.audit(step.step, view.seed) if view.status is not None else None
    (folder / "card.json").write_text(_json(_card(run, view, step, audit)), encoding="utf-8")
    text = template("package_readme.md.j2").render(
        task=view.task, step=step.step, title=step.title, metric=view.metric, higher_is_better=view.higher_is_better,
        score=score_text(step.score), rows=step.score.rows if step.score else 0, audit=score_text(audit),
        baseline=score_text(view.baseline),
        seconds=duration(step.execution.whole_seconds) if step.execution else "-", versions=view.versions, columns=schema["required"],
        outputs=[schema["x-id"], *schema["x-output"]["columns"]], lines=solution.script.count("\n"), has_data=source is not None,
        side_files=prepared.profile.side_files,
    )  # fmt: skip
    (folder / "README.md").write_text(text, encoding="utf-8")


def schema_of(prepared: "PreparedTask") -> dict[str, Any]:
    """A JSON Schema (2020-12) of one row, and beside it what `predict.py` needs: id, answer, seed."""
    import csv

    profile, form, source = prepared.profile, prepared.format, prepared.input_dir(Stage.FINAL)
    with (source / "test.csv").open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    with (source / "sample_submission.csv").open(encoding="utf-8", newline="") as file:
        example = next(iter(csv.DictReader(file)), {})
    identifier = form.id_column or header[0]
    output: dict[str, Any] = {
        "kind": form.kind, "columns": list(form.columns), "example": [example.get(name) or "0" for name in form.columns],
    }  # fmt: skip
    if form.kind == "label" and form.written and list(form.written) != list(form.classes):
        output["labels"] = dict(zip(map(str, form.classes), map(str, form.written), strict=True))
    known = {column.name: _column(column) for column in profile.columns}
    columns = {name: known.get(name, {"type": ["string", "null"]}) for name in header if name != identifier}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"A row of {prepared.task.name}", "type": "object",
        "properties": {identifier: {"type": "string", "description": "names the row; made where it is missing"}, **columns},
        "required": [column.name for column in profile.columns if column.name in columns],
        "x-id": identifier, "x-test-columns": header, "x-target": profile.target.columns, "x-output": output, "x-seed": prepared.seed,
    }  # fmt: skip


def _column(column: ColumnProfile) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": [_json_type(column), "null"],
        "description": f"{column.kind.value}, {column.distinct} distinct values",
    }
    if column.missing:
        described["description"] += f", {100 * column.missing:.0f} % missing"
    if column.top_values and column.kind is not ColumnKind.IDENTIFIER:
        described["examples"] = column.top_values
    return described


def _json_type(column: ColumnProfile) -> str:
    return "number" if column.kind is ColumnKind.NUMBER else "string"


def requirements(script: str) -> list[str]:
    """``name==version`` of each distribution that a script imports, as installed here; its own standard library is left out.

    Examples
    --------
    >>> [line.split("==")[0] for line in requirements("import os, numpy.linalg")]
    ['numpy']
    """
    roots: set[str] = set()
    for node in ast.walk(ast.parse(script)):
        if isinstance(node, ast.Import):
            roots |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            roots.add(node.module.partition(".")[0])
    providers = packages_distributions()
    lines = []
    for root in sorted(roots - sys.stdlib_module_names):
        name = sorted(providers.get(root, [root]))[0]
        try:
            lines.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            lines.append(name)
    return sorted(set(lines), key=str.lower)


def _card(run: "RunDirectory", view: "RunView", step: "StepView", audit: Any) -> dict[str, Any]:
    record = run.record()

    def dump(score: Any) -> Any:
        return score.model_dump(mode="json") if score else None

    return {
        "task": view.task, "run": record.get("id", run.root.name), "step": step.step, "title": step.title, "metric": view.metric,
        "higher_is_better": view.higher_is_better, "validation": dump(step.score), "audit": dump(audit), "baseline": dump(view.baseline),
        "verdict": step.verdict.kind.value if step.verdict else None, "seed": view.seed, "versions": view.versions,
        "python": sys.version.split()[0], "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _zip(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, Path(folder.name) / path.relative_to(folder))
    return target
