"""What the tests run in other processes. ``python worker.py write DIR NAME COUNT``: prints each key once it is remembered."""

import sys
from pathlib import Path

from gome_graph.testing.memories import experience
from gome_memory.memory import MemoryConfig, SuccessMemory


def main() -> None:
    directory, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    config = MemoryConfig() if "--chroma" in sys.argv else MemoryConfig(index="exact", embedding="hash")
    memory = SuccessMemory(directory, config)
    for number in range(count):
        key = f"{name}/0/t0-{number}"
        memory.remember(experience(number, key=key, run=name))
        print(key, flush=True)
    memory.close()


if __name__ == "__main__":
    main()
