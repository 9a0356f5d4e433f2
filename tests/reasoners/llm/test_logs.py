from gome_graph.reasoners.llm.logs import own_frames

LOG = """\
UserWarning: careful
    fit(X)
Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/pandas/core/indexes/base.py", line 3816, in get_loc
    return self._engine.get_loc(casted_key)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "pandas/_libs/index.pyx", line 172, in pandas._libs.index.IndexEngine.get_loc
KeyError: 'X'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/workspace/solution.py", line 69, in <module>
    main()
  File "/venv/lib/python3.11/site-packages/pandas/core/frame.py", line 4330, in __getitem__
    indexer = self.columns.get_loc(key)
KeyError: 'X'"""


def test_library_frames_give_way_to_one_line_and_the_rest_stays() -> None:
    assert (
        own_frames(LOG)
        == """\
UserWarning: careful
    fit(X)
Traceback (most recent call last):
  … in libraries
KeyError: 'X'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/workspace/solution.py", line 69, in <module>
    main()
  … in libraries
KeyError: 'X'"""
    )


def test_a_log_without_a_traceback_is_left_alone() -> None:
    assert own_frames("a\n    b\n  c") == "a\n    b\n  c"
