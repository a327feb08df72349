"""What building datasets costs, and whether it keeps what it promises; see README.md.

    python benchmarks/datasets.py speed   TRAIN.parquet  # files/s, memory, size; and Biopython's
    python benchmarks/datasets.py cluster TRAIN.parquet  # time, and an independent leak search
    python benchmarks/datasets.py kills   TRAIN.parquet  # 20 kills at random moments
    python benchmarks/datasets.py disk    TRAIN.parquet  # a full disk (needs the right to mount)

Biopython is needed for the comparison alone and is no dependency of the project.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import psutil

from distmat.dataset.clustering import cluster, mmseqs_program, sensitive_search
from distmat.dataset.splitting import Shares, assign_splits, leak_report, select_holdout
from distmat.dataset.store import read_dataset
from distmat.protein.structure.write import write_pdb

FILES = 1500
KILLS = 20


def write_folder(folder, chains):
    """A folder like PDBbind's: a folder for each complex, with its protein and other files."""
    for chain in chains:
        code = chain.name.replace(".", "")
        place = folder / f"{len(chain) % 3}" / code
        place.mkdir(parents=True, exist_ok=True)
        ca = np.asarray(chain.ca, dtype=float)
        (place / f"{code}_protein.pdb").write_text(write_pdb(chain.sequence, ca))
        (place / f"{code}_ligand.sdf").write_text("")


def some_chains(path, number):
    chains = [c for c in read_dataset(Path(path)).chains if np.nanmax(np.abs(c.ca)) < 900]
    return random.Random(0).sample(chains, number)


def command(folder, name, workers=2):
    pattern = f"{folder}/*/*/*_protein.pdb"
    start = [sys.executable, "-m", "distmat.cli", "data", "build", pattern, "-o", name]
    return [*start, "--workers", str(workers), "--overwrite"]


class Watched:
    """A process with all that it starts: its peak memory and when each phase began."""

    def __init__(self, arguments, home):
        self.progress = Path(home) / "progress.json"
        environment = {**os.environ, "DISTMAT_HOME": str(home)}
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [*arguments, "--progress", str(self.progress)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.peak = self.largest = 0
        self.phases = {}
        thread = threading.Thread(target=self._watch)
        thread.start()
        self.words = self.process.communicate()[1]
        self.seconds = time.perf_counter() - self.started
        thread.join()

    def _watch(self):
        while self.process.poll() is None:
            try:
                me = psutil.Process(self.process.pid)
                sizes = [p.memory_info().rss for p in (me, *me.children(recursive=True))]
                self.peak = max(self.peak, sum(sizes))
                self.largest = max(self.largest, *sizes)
                phase = json.loads(self.progress.read_text())["phase"]
                self.phases.setdefault(phase, time.perf_counter() - self.started)
            except (psutil.NoSuchProcess, OSError, ValueError, KeyError):
                pass
            time.sleep(0.02)


def biopython(paths):
    """Seconds of a plain loop over PDBParser that takes Cα and sequence, as scripts do."""
    from Bio.PDB import PDBParser
    from Bio.PDB.Polypeptide import protein_letters_3to1

    started = time.process_time()
    parser, residues = PDBParser(QUIET=True), 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in paths:
            for chain in parser.get_structure(path.stem, path)[0]:
                atoms = [r["CA"] for r in chain if "CA" in r]
                letters = [protein_letters_3to1.get(a.get_parent().resname, "X") for a in atoms]
                residues += len(letters)
                np.array([a.coord for a in atoms])
    return time.process_time() - started


def read_here(paths):
    """Seconds of CPU that one of our workers takes for these files."""
    from distmat.dataset.filters import Filters
    from distmat.dataset.reading import read_item
    from distmat.dataset.sources import Item

    items = [Item("file", path.name, str(path)) for path in paths]
    list(read_item(items[0], Filters()))  # imports
    started = time.process_time()
    for item in items:
        list(read_item(item, Filters()))
    return time.process_time() - started


def published_size(chains):
    """Bytes of the published pipeline's distmat_train.json of these chains."""
    from scipy.spatial.distance import pdist, squareform

    size = 0
    for chain in chains:
        ca = np.asarray(chain.ca, dtype=float)[chain.observed]
        logarithm = np.log1p(squareform(pdist(ca)))
        sample = {
            "pdb_code": chain.name,
            "sequence": chain.sequence,
            "coords": ca.tolist(),
            "seq_len": len(ca),
            "binding_data": "N/A",
            "resolution": "N/A",
            "year": "N/A",
            "distance_matrix": (logarithm / (logarithm.max() + 1e-8)).tolist(),
            "dist_norm_stats": {"method": "log_scale", "max_log_dist": float(logarithm.max())},
        }
        size += len(json.dumps(sample, ensure_ascii=False).encode()) + 2
    return size


def speed(path):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        chains = some_chains(path, FILES)
        write_folder(folder / "set", chains)
        paths = sorted(folder.glob("set/*/*/*_protein.pdb"))
        before = biopython(paths[: FILES // 3])
        ours_alone = read_here(paths[FILES // 3 : 2 * FILES // 3]) / (FILES // 3)
        build = Watched(command(folder / "set", "bench"), folder / "home")
        after = biopython(paths[FILES // 3 : 2 * FILES // 3])
        loop = (before + after) / (2 * (FILES // 3))
        reading = build.phases["cluster"] - build.phases["read"]
        result = folder / "home" / "datasets" / "bench.parquet"
        dataset = read_dataset(result)
        ours, theirs = result.stat().st_size, published_size(dataset.chains)
        print(
            f"load average                     {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        )
        print(f"Biopython's PDBParser            {1 / loop:8.0f} files per second of CPU")
        print(f"distmat, one process             {1 / ours_alone:8.0f} files per second of CPU")
        print(f"distmat, two workers             {len(paths) / reading:8.0f} files/s on the clock")
        print(f"distmat, whole build             {build.seconds:8.1f} s for {len(paths)} files")
        print(f"phases begin at                  {rounded(build.phases)}")
        print(
            f"memory of all processes          {build.peak / 2**20:8.0f} MiB at the peak, ", end=""
        )
        print(f"{build.largest / 2**20:.0f} MiB the largest process")
        print(f"{len(dataset)} chains: Parquet {ours / 2**20:.2f} MiB, ", end="")
        print(f"published JSON {theirs / 2**20:.0f} MiB, ratio {theirs / ours:.0f}")


def load():
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def rounded(phases):
    return {name: round(seconds, 1) for name, seconds in phases.items()}


def cluster_all(path):
    dataset = read_dataset(Path(path))
    sequences = [chain.sequence for chain in dataset.chains]
    names = [chain.name for chain in dataset.chains]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        started = time.perf_counter()
        found = cluster(sequences, folder / "w", 0.3, 0.8, 2)
        proposed = select_holdout(found.group, Shares(), 0)
        clustered = time.perf_counter() - started
        held = np.flatnonzero(proposed)
        hits = sensitive_search([sequences[k] for k in held], sequences, folder / "w", 2)
        hits = type(hits)(held[hits.query], hits.target, hits.identity, hits.coverage, hits.e_value)
        asked = np.where(proposed, "test", "train")
        before = leak_report(names, asked, hits, 0.3)["relatives"]
        splits = assign_splits(found.group, proposed, hits, 0.3, Shares(), 0)
        seconds = time.perf_counter() - started
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"load average      {load()}")
        print(f"chains            {len(names)} in {found.cluster.max() + 1} clusters, ", end="")
        print(f"{found.group.max() + 1} groups; largest {np.bincount(found.group).max()}")
        print(
            f"clustering        {clustered:.1f} s; with the leak search {seconds:.1f} s, ", end=""
        )
        print(f"{usage.ru_utime - used:.1f} s of CPU, {usage.ru_maxrss / 1024:.0f} MiB")
        print(f"searched          {len(held)} chains, with {before} relatives among the others")
        sizes = {split: int((splits == split).sum()) for split in ("train", "val", "test")}
        print(f"splits            {sizes}")
        independent(folder, sequences, names, splits)


def independent(folder, sequences, names, splits):
    """Two other searches than ours: words of six; as MMseqs2 does it, and with nothing masked."""
    for name, keep in (("held", splits != "train"), ("train", splits == "train")):
        with open(folder / f"{name}.fasta", "w") as file:
            file.writelines(f">{k}\n{sequences[k]}\n" for k in np.flatnonzero(keep))
    columns = "query,target,fident,alnlen,qlen,tlen,evalue"
    options = ["-s", "7.5", "-e", "0.001", "--max-seqs", "4000"]
    options += ["--format-output", columns, "--threads", "2", "-v", "1"]
    for more in ([], ["--mask", "0", "--comp-bias-corr", "0"]):
        search_once(folder, names, [*options, *more])


def search_once(folder, names, options):
    started = time.perf_counter()
    subprocess.run(
        [mmseqs_program(), "easy-search", "held.fasta", "train.fasta", "hits", "tmp", *options],
        cwd=folder,
        check=True,
    )
    table = np.loadtxt(folder / "hits", ndmin=2)
    related = (table[:, 2] >= 0.3) & (table[:, 3] >= 0.5 * table[:, 4:6].min(axis=1))
    print(f"independent       {len(table)} alignments with E < 0.001 of val and test with train, ")
    print(f"search            {int(related.sum())} of them relatives ", end="")
    print(f"({time.perf_counter() - started:.0f} s)")
    for row in table[related][:10]:
        print(f"                  {names[int(row[0])]} {names[int(row[1])]} {row[2:].tolist()}")


def files_of(home, name):
    return {p.name: p.read_bytes() for p in sorted((home / "datasets").glob(f"{name}.*"))}


def kills(path):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write_folder(folder / "set", some_chains(path, 400))
        undisturbed = Watched(command(folder / "set", "bench"), folder / "first")
        expected = files_of(folder / "first", "bench")
        dice, interrupted, wrong = random.Random(0), 0, 0
        phases = {}
        for number in range(KILLS):
            home = folder / f"home{number}"
            environment = {**os.environ, "DISTMAT_HOME": str(home)}
            process = subprocess.Popen(
                [*command(folder / "set", "bench"), "--progress", str(home / "p.json")],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(dice.uniform(0.3, undisturbed.seconds))
            running = process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.wait()
            interrupted += running
            if running and (home / "p.json").exists():
                phase = json.loads((home / "p.json").read_text())["phase"]
                phases[phase] = phases.get(phase, 0) + 1
            Watched(command(folder / "set", "bench"), home)
            hidden = [p.name for p in (home / "datasets").iterdir() if p.name.startswith(".")]
            same = files_of(home, "bench") == expected and not hidden
            wrong += not same
            shutil.rmtree(home)
            print(f"kill {number + 1:2}: {'same bytes' if same else 'DIFFERENT'}", flush=True)
        print(f"{KILLS} kills, {interrupted} of a running build {phases}; {wrong} ended otherwise")


def disk(path):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write_folder(folder / "set", some_chains(path, 400))
        small = folder / "small"
        small.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(small)]
        subprocess.run(mount, check=True)
        try:
            full = Watched(command(folder / "set", "bench"), small)
            print(f"exit code {full.process.returncode}: {full.words.strip().splitlines()[-1]}")
            print("left:", sorted(p.name for p in (small / "datasets").iterdir()))
            subprocess.run(["mount", "-o", "remount,size=500m", str(small)], check=True)
            again = Watched(command(folder / "set", "bench"), small)
            print(f"with room: exit code {again.process.returncode},", end=" ")
            print(sorted(p.name for p in (small / "datasets").iterdir()))
        finally:
            subprocess.run(["umount", str(small)], check=True)


if __name__ == "__main__":
    what = {"speed": speed, "cluster": cluster_all, "kills": kills, "disk": disk}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=what)
    parser.add_argument("dataset", help="a Parquet dataset of some thousand chains")
    options = parser.parse_args()
    what[options.what](options.dataset)
