"""What the guard's tests share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from places import place as place
