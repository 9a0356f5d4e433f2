import pytest

from gome_graph.hooks import StepContext
from gome_graph.reasoners.rules.reasoner import RulesReasoner
from gome_graph.records import BudgetStage
from gome_graph.solution import check_script
from tests.reasoners.synthetic import make_task


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("import socket", "no network"),
        ("import urllib.request", "no network"),
        ("from urllib import request", "no network"),
        ("import requests as r", "no network"),
        ("pd.read_csv('https://example.org/a.csv')", "no network"),
        ("from sklearn.datasets import fetch_openml\nfetch_openml('x')", "downloaded"),
        ("import subprocess", "start no programs"),
        ("import os\nos.system('ls')", "os.system"),
        ("from os import popen", "os.popen"),
        ("import os\nos.kill(1, 9)", "os.kill"),
        ("exec('x = 1')", "write the code out"),
        ("open('/etc/passwd')", "below input/"),
        ("pd.read_csv('../input/train.csv')", "below input/"),
        ("pd.read_csv('train.csv')", "below input/"),
        ("np.load('input/../vault/a.npy')", "below input/"),
        ("from pathlib import Path\nPath('~/x').read_text()", "below input/"),
    ],
)
def test_what_no_script_may_do_is_found_with_its_line(line: str, says: str) -> None:
    (problem, *_) = check_script(f"import pandas as pd\nimport numpy as np\n{line}\n")
    assert says in str(problem)
    assert str(problem).startswith(f"line {2 + len(line.splitlines())}" if "\n" in line else "line 3")


@pytest.mark.parametrize(
    "line",
    [
        "pd.read_csv('input/train.csv')",
        "from pathlib import Path\n(Path('output') / 'telemetry.jsonl').open('a')",
        "from pathlib import Path\nPath('input').glob('*/*.png')",
        "import re\nre.compile('a/b')",
        "frame = pd.DataFrame({'a': [1]}).eval('b = a')",
        "from urllib.parse import quote",
        "import json\njson.load(open('input/x.json'))",
    ],
)
def test_honest_code_passes(line: str) -> None:
    assert check_script(f"import pandas as pd\n{line}\n") == []


def test_a_script_that_does_not_compile_says_where() -> None:
    (problem,) = check_script("x = 1\ny = (\n")
    assert problem.line == 2
    assert "SyntaxError" in problem.text


@pytest.mark.parametrize(("script", "says"), [("", "empty"), ("#" * 200_001, "characters"), ("x = '\0'", "")])
def test_runaways_and_nothings_are_refused(script: str, says: str) -> None:
    (problem,) = check_script(script)
    assert says in problem.text


def test_what_the_accepted_script_does_is_not_held_against_a_change() -> None:
    base = "import socket\n"
    assert check_script(base + "x = 1\n", base) == []
    assert check_script(base + "import ssl\n", base) != []


def test_scripts_of_the_rules_pass(tmp_path) -> None:
    context = StepContext(task=make_task(tmp_path, text=True), trace=0, step=0, seed=0, stage=BudgetStage.DRAFT, seconds_left=600, cpus=1)
    for trace in range(4):
        update = RulesReasoner().draft(StepContext(**{**context.__dict__, "trace": trace}))
        assert check_script(update.solution.script) == []
