"""Runs scripts in children of a process that has imported the libraries already. One JSON job a line on stdin, one answer a line.

For benchmarks alone: no sandbox. It runs nothing but what the rules reasoner has written.
"""

import contextlib
import json
import os
import resource
import runpy
import signal
import sys
import time
import traceback

import catboost  # noqa: F401
import lightgbm  # noqa: F401
import numpy  # noqa: F401
import pandas  # noqa: F401
import scipy.optimize
import scipy.sparse
import scipy.stats  # noqa: F401
import sklearn.compose
import sklearn.ensemble
import sklearn.feature_extraction.text
import sklearn.kernel_approximation
import sklearn.linear_model
import sklearn.naive_bayes
import sklearn.neighbors
import sklearn.pipeline
import sklearn.preprocessing
import sklearn.svm  # noqa: F401

POLL_SECONDS = 0.01


def child(job: dict) -> None:
    """Become the script; never returns."""
    code = 1
    try:
        os.setpgid(0, 0)
        os.chdir(job["workspace"])
        for number, name in ((1, "stdout.log"), (2, "stderr.log")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        if job["memory"]:
            resource.setrlimit(resource.RLIMIT_AS, (job["memory"], job["memory"]))
        resource.setrlimit(resource.RLIMIT_CPU, (job["cpu"], job["cpu"]))
        os.environ.update(job["environment"])
        sys.argv = ["solution.py"]
        runpy.run_path("solution.py", run_name="__main__")
        code = 0
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            child(job)
        timed_out = False
        while True:
            done, status, usage = os.wait4(pid, os.WNOHANG)
            if done:
                break
            if time.monotonic() - began > job["wall"] and not timed_out:
                timed_out = True
                os.kill(pid, signal.SIGKILL)
            time.sleep(POLL_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        answer = {"code": os.waitstatus_to_exitcode(status), "timed_out": timed_out, "cpu": usage.ru_utime + usage.ru_stime,
                  "peak": usage.ru_maxrss * 1024}  # fmt: skip
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
