"""What `gome kge train` finds by itself: test metrics on each graph of a folder, nothing given but the time.

python benchmarks/kge/quality.py --data ../shared/data/kg --sets UMLS,Kinship,CoDEx-S --time 5m --seeds 0,1,2
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """A line a training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", default="UMLS,Kinship,CoDEx-S,WN18RR,FB15k-237")
    parser.add_argument("--time", default="5m")
    parser.add_argument("--seeds", default="0")
    arguments = parser.parse_args()
    for name in arguments.sets.split(","):
        for seed in arguments.seeds.split(","):
            with tempfile.TemporaryDirectory() as folder:
                command = [
                    sys.executable,
                    "-m",
                    "gome_graph.cli",
                    "kge",
                    "train",
                    "--data",
                    str(arguments.data / name),
                    "--time",
                    arguments.time,
                ]
                done = subprocess.run(
                    [*command, "--seed", seed, "--out", f"{folder}/out", "--json"], capture_output=True, text=True, check=False
                )
            if done.returncode:
                print(f"{name:10s} seed {seed}: {done.stderr.strip()}", flush=True)
                continue
            found = json.loads(done.stdout)
            models = " + ".join(f"{m['weight']:g} {m['settings']['model']} {m['settings']['rank']}" for m in found["members"])
            print(
                f"{name:10s} seed {seed}: validation MRR {found['valid_mrr']:.4f}, test MRR {found['mrr']:.4f} "
                f"(se {found['mrr_standard_error']:.4f}), "
                f"hits@1 {found['hits@1']:.4f}, hits@10 {found['hits@10']:.4f}, "
                f"{found['seconds']:.0f} s, {models}, rules {found['rules']['weight']:g}",
                flush=True,
            )


if __name__ == "__main__":
    main()
