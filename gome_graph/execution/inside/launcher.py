"""The program that becomes a script's keeper: ``python -I -S launcher.py PLAN_JSON``. Short, because Python compiles it anew each time."""

import json
import sys

sys.path.insert(0, __file__.rpartition("/")[0])

import keeper  # type: ignore[import-not-found]

keeper.keep(json.loads(sys.argv[1]))
