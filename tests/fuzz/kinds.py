"""Each kind of input that people bring: examples, faults put into them, and what opens them.

What opens an input is what the pages and the command call. It may raise a `DistmatError`, and
nothing else.
"""

import gzip
import io
import json
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import yaml

from tests.fuzz.mutations import (
    mutated_bytes,
    mutated_columns,
    mutated_json,
    mutated_lines,
    nasty_text,
    nasty_value,
)

SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQ"


@dataclass(frozen=True)
class Kind:
    """One kind of input.

    Parameters
    ----------
    name : str
    make : callable
        An input, from a source of random numbers; it may write into the folder it is given.
    read : callable
        What is done with it.
    """

    name: str
    make: Callable[[Random, Path], Any]
    read: Callable[[Any], None]


# Structures


@cache
def _structures() -> list[tuple[str, bytes]]:
    import gemmi

    from distmat.protein.examples import examples
    from distmat.protein.structure.write import write_mmcif, write_pdb

    chain = examples()[0].read()
    own, short = chain.ca[:30].astype(float), chain.sequence[:30]
    folder = Path(__file__).parents[2] / "distmat/protein/example_files"
    whole = gzip.decompress((folder / "1hpv.pdb.gz").read_bytes())
    atoms = [line for line in whole.split(b"\n") if line[:6] in (b"ATOM  ", b"HETATM")]
    head = [line for line in whole.split(b"\n") if line[:6] in (b"SEQRES", b"HEADER", b"REMARK")]
    cut = b"\n".join([*head[:60], *atoms[:90], b"TER", *atoms[780:860], b"END"])
    # The charge's place holds a serial number in files of that age.
    model = gemmi.read_pdb_string(b"\n".join(line[:78] for line in cut.split(b"\n")))
    model.setup_entities()
    return [
        ("a.pdb", cut),
        ("b.pdb", write_pdb(short, own).encode()),
        ("c.cif", write_mmcif(short, own).encode()),
        ("d.cif", model.make_mmcif_document().as_string().encode()),
        ("e.bcif", _binary(model.make_mmcif_document().as_string())),
        ("f.pdb.gz", gzip.compress(cut, mtime=0)),
    ]


def _binary(text: str) -> bytes:
    from biotite.structure.io.pdbx import BinaryCIFCategory, BinaryCIFFile, CIFFile

    read, written = CIFFile.read(io.StringIO(text)), BinaryCIFFile()
    written["x"] = type(written).subcomponent_class()({})
    for name, table in read.block.items():
        columns = {key: column.as_array() for key, column in table.items()}
        written["x"][name] = BinaryCIFCategory(columns)
    file = io.BytesIO()
    written.write(file)
    return file.getvalue()


def _make_structure(random: Random, folder: Path) -> Path:
    name, data = random.choice(_structures())
    text = not name.endswith((".bcif", ".gz"))
    change = mutated_lines if text and random.random() < 0.7 else mutated_bytes
    path = folder / name
    path.write_bytes(change(random, data))
    return path


def _read_structure(path: Path) -> None:
    from distmat.dataset.filters import Filters
    from distmat.dataset.reading import read_item
    from distmat.dataset.sources import Item
    from distmat.protein.query import read_query_file

    for _ in read_item(Item("file", path.name, str(path)), Filters()):
        pass
    read_query_file(path.read_bytes(), path.name)


# Text and arrays


_TEXTS = (
    b">one first\nMKTAYIAKQRQISFVKSHFSRQ\n>two\nACDEFGHIKLMNPQRSTVWY\nACDX\n",
    b"MKTAYIAKQRQI SFVKSHFSRQ\n",
    b">q\nMKTAYIA-KQR\n>h1\nMKTaaYIA-KQR\n>h2\n-KTAYIAXKQR\n",
    b";old\nMKTAYIAKQ*\n>P1;X\ntitle\nMKTAYI*\n",
)


def _make_sequences(random: Random, folder: Path) -> tuple[bytes, str]:
    change = random.choice([mutated_lines, mutated_bytes])
    data = change(random, random.choice(_TEXTS))
    if random.random() < 0.1:
        data = mutated_bytes(random, gzip.compress(data, mtime=0))
    return data, random.choice(["a.fasta", "a.txt", "a.a3m", "a.pdb", nasty_text(random)])


def _read_sequences(given: tuple[bytes, str]) -> None:
    from distmat.errors import DistmatError
    from distmat.protein.query import read_query_file, read_query_text

    data, name = given
    try:
        read_query_file(data, name)
    finally:
        try:
            read_query_text(data.decode("utf-8", "replace"))
        except DistmatError as error:
            check_message(error)


def _make_map(random: Random, folder: Path) -> bytes:
    n = random.choice([1, 2, 5, 12])
    points = np.cumsum(np.random.default_rng(random.randrange(9)).normal(0, 2.2, (n, 3)), axis=0)
    table = np.linalg.norm(points[:, None] - points, axis=-1)
    kind = random.randrange(8)
    if kind == 0:
        table[random.randrange(n)] = random.choice([np.nan, np.inf, -1, 1e300, 0])
    elif kind == 1:
        table = table * random.choice([0.1, 100, 1e-30, 1e30, -1])
    elif kind == 2:
        table = table[: random.randrange(n + 1)]
    elif kind == 3:
        table = table.astype(random.choice(["S5", "U3", "i1", "f2", "c16", "?", "M8[s]"]))
    file = io.BytesIO()
    np.save(file, table, allow_pickle=False)
    return mutated_bytes(random, file.getvalue()) if kind > 5 else file.getvalue()


def _read_map(data: bytes) -> None:
    from distmat.geometry.reconstruction import reconstruct
    from distmat.protein.map_file import read_npy

    reconstruct(read_npy(data, "map.npy"))


@cache
def _foreign_maps() -> list[bytes]:
    """A map of each format that others write, of twelve residues."""
    n = 12
    points = np.cumsum(np.random.default_rng(1).normal(0, 2.2, (n, 3)), axis=0)
    table = np.linalg.norm(points[:, None] - points, axis=-1)
    shares = np.eye(64)[np.searchsorted(np.linspace(2.3125, 21.6875, 63), table)]
    pairs = "".join(f"{i} {i + 7} 0 8 0.5\n" for i in range(1, 6))
    bins = "".join(f"{i} {i + 7} 0.5 0 0 1 0 0 0 0 0 0 0\n" for i in range(1, 6))
    archives = []
    for arrays in ({"distogram": shares.astype(np.float16)}, {"a": table, "b": table}):
        file = io.BytesIO()
        np.savez(file, **arrays)
        archives.append(file.getvalue())
    texts = [
        json.dumps({"contact_probs": (table / 50).tolist()}),
        f"PFRMAT RR\nMODEL 1\nACDEFGHIKLMN\n{pairs}END\n",
        f"PFRMAT RR\nRMODE 2\nMODEL 1\n{bins}END\n",
        pairs,
        "\n".join(",".join(f"{value:.2f}" for value in row) for row in table),
        "i,j,residue_i,residue_j,distance,contact_probability\n1,2,A,C,3.8,0.9\n1,3,A,D,6,0.5\n",
    ]
    return [*archives, *(text.encode() for text in texts)]


def _make_foreign(random: Random, folder: Path) -> bytes:
    data = random.choice(_foreign_maps())
    return mutated_bytes(random, data) if random.random() < 0.6 else mutated_lines(random, data)


def _read_foreign(data: bytes) -> None:
    from distmat.given_map import compare_given, open_map, pair_columns

    given = open_map(data, "map.dat")
    compare_given(given, given)
    pair_columns(given)


def _make_list(random: Random, folder: Path) -> Path:
    text = random.choice(
        [
            b"id,split\n1abc_A,train\n2xyz_B,test\n1hml,val\n",
            b'"","id","chain"\n"1","1ABC","A"\n"2","PDB_00001HML","B"\n',
            b"1abc 2xyz_B\n# remark\n1hml;3def\n",
            b"id\tsplit\n1abc\ttrain\n",
        ]
    )
    path = folder / random.choice(["ids.csv", "ids.txt", "ids.tsv"])
    path.write_bytes(random.choice([mutated_lines, mutated_bytes])(random, text))
    return path


def _read_list(path: Path) -> None:
    from distmat.dataset.sources import list_items

    list_items([str(path)], path.parent / "unpacked")


# Settings


def _make_config(random: Random, folder: Path) -> bytes:
    from distmat.training.config import TrainingConfig

    content = TrainingConfig().as_dict()
    content = {name: content[name] for name in random.sample(list(content), 12)}
    if random.random() < 0.4:
        return mutated_json(random, content)
    name = random.choice(list(content))
    content[name] = nasty_value(random)
    try:
        text = yaml.safe_dump(content, default_flow_style=random.choice([None, True, False]))
    except (yaml.YAMLError, UnicodeEncodeError, RecursionError):
        text = "a: &x 1"
    pieces = [
        "&a [*a]",
        "!!python/name:os.system",
        "2026-13-45",
        "0x_",
        "\0",
        "? [a]",
        "<<: {a: 1}",
    ]
    pieces += ["[" * 2000, "- " * 900, "1:30:99", "%YAML 3.0", "--- a\n--- b", "train: a\ntrain: b"]
    pieces += [
        ": " * 50,
        "\t",
        "0o9",
        ".inf",
        "!!binary x",
        "!!timestamp x",
        "=",
        "? ? ?",
        "|9\n a",
    ]
    if random.random() < 0.6:
        place = random.randrange(len(text) + 1)
        text = text[:place] + random.choice(pieces) + text[place:]
    data = text.encode("utf-8", "surrogatepass")
    return mutated_bytes(random, data) if random.random() < 0.4 else data


def _read_config(data: bytes) -> None:
    from distmat.training.config import config_text, read_config

    path = _scratch() / "config.yaml"
    path.write_bytes(data)
    config = read_config(path)
    config_text(config, "yaml").encode()


# Datasets


@cache
def _rows() -> dict[str, list]:
    rows = 6
    walk = np.random.default_rng(0).normal(0, 2.2, (rows, 22, 3)).cumsum(axis=1)
    return {
        "id": [f"1ab{row}_A" for row in range(rows)],
        "sequence": [SEQUENCE] * rows,
        "ca": [trace.tolist() for trace in walk],
        "cluster": list(range(rows)),
        "rep": [True] * rows,
        "split": ["train", "train", "val", "val", "test", "train"],
        "homologues": [["MKTAYIAKQRQISFVKSHFSRX"], *([[]] * (rows - 1))],
        "resolution": [2.0, None, 1.5, 3.0, 2.5, 1.0],
        "method": ["X-RAY"] * rows,
        "title": ["a title"] * rows,
        "source": ["a.pdb"] * rows,
        "missing": [0] * rows,
        "rg": [9.5] * rows,
        "helix": [0.25] * rows,
        "group": list(range(rows)),
    }


def _make_dataset(random: Random, folder: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "mine.parquet"
    file = io.BytesIO()
    table = pa.table(mutated_columns(random, _rows()))
    if random.random() < 0.1 and table.num_columns > 1:
        table = table.rename_columns([table.column_names[0], *table.column_names[:-1]])
    try:
        pq.write_table(table, file, row_group_size=random.choice([2, 100]))
    except (pa.ArrowException, UnicodeEncodeError):
        pq.write_table(pa.table({"id": ["a"]}), file)
    data = file.getvalue()
    path.write_bytes(mutated_bytes(random, data) if random.random() < 0.25 else data)
    return path


def _read_dataset(path: Path) -> None:
    from distmat.dataset.catalogue import _summary
    from distmat.dataset.store import fingerprint, read_chain, read_dataset, read_facts
    from distmat.errors import DistmatError
    from distmat.scoring.baseline import fit_baseline
    from distmat.ui.data.chains import _words, number_residues

    _summary(path)
    try:
        facts = read_facts(path)
        for row in (0, len(facts) - 1):
            chain = read_chain(path, row)
            number_residues(chain)
            " ".join(_words(chain, facts.loc[row])).encode()
        json.dumps(facts.astype(object).where(facts.notna(), None).to_dict("list")).encode()
    except DistmatError as error:
        check_message(error)
    dataset = read_dataset(path)
    fingerprint(dataset)
    for part in ("train", "val"):
        fit_baseline(dataset.of_split(part).representatives().no_longer_than(100).chains)
    from distmat.model.tokens import mini_tokenizer

    for chain in dataset.chains:
        mini_tokenizer().encode(chain.sequence)


@cache
def _card() -> dict:
    from distmat.dataset.card.measure import make_card
    from distmat.dataset.store import DatasetWriter
    from distmat.protein.chain import Chain

    rows = _rows()
    path = _scratch() / "whole.parquet"
    with open(path, "wb") as file, DatasetWriter(file) as writer:
        for number, name in enumerate(rows["id"]):
            facts = {
                key: rows[key][number] for key in ("cluster", "group", "rep", "split", "source")
            }
            measured = {"missing": 0, "breaks": 0, "rg": 9.5, "helix": 0.2, "strand": 0.1}
            chain = Chain(name, SEQUENCE, np.array(rows["ca"][number]))
            writer.add(chain, **facts, **measured, resolution=2.0, method="X", title="t")
    leaks = {"held_out_chains": 3, "relatives": 0, "highest_identity": 0.2, "pair": ["a", "b"]}
    return make_card(path, "whole", {"files": 1}, {"seed": 0}, [], leaks)


def _make_card(random: Random, folder: Path) -> Path:
    path = folder / "mine.parquet"
    path.with_suffix(".json").write_bytes(mutated_json(random, _card()))
    return path


def _read_card(path: Path) -> None:
    from distmat.dataset.card.files import read_card
    from distmat.dataset.card.words import markdown

    card = read_card(path)
    if card:
        markdown(card).encode()


# Archives


def _make_archive(random: Random, folder: Path) -> Path:
    names = [
        "a.pdb",
        "dir/b.cif",
        "b.bcif",
        nasty_text(random) + ".pdb",
        "../x.pdb",
        "é.ent",
        ".pdb",
    ]
    members = [(name, random.choice(_structures())[1]) for name in random.sample(names, 3)]
    kind = random.choice([".zip", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".json"])
    path = folder / f"archive{kind}"
    if kind == ".json":
        sample = {
            "pdb_code": "1abc",
            "sequence": SEQUENCE,
            "coords": _rows()["ca"][0],
            "norm_stats": {"mean": [0, 0, 0], "std": 1.0},
            "distance_matrix": None,
            "dist_norm_stats": {"method": "scale", "max_dist": 3.0},
        }
        path.write_bytes(mutated_json(random, random.choice([[sample], {"samples": [sample] * 2}])))
        return path
    file = io.BytesIO()
    try:
        if kind == ".zip":
            with zipfile.ZipFile(file, "w", random.choice([0, 8, 12, 14])) as packed:
                for name, data in members:
                    packed.writestr(name, data)
        else:
            mode: Any = {".tar": "w"}.get(kind, f"w:{kind[5:]}")
            with tarfile.open(fileobj=file, mode=mode) as packed:
                for name, data in members:
                    info = tarfile.TarInfo(name)
                    info.size = len(data)
                    packed.addfile(info, io.BytesIO(data))
    # No archive can hold such a name.
    except (ValueError, IndexError, UnicodeError):
        file = io.BytesIO(b"PK\x03\x04")
    data = file.getvalue()
    path.write_bytes(mutated_bytes(random, data) if random.random() < 0.7 else data)
    return path


def _read_archive(path: Path) -> None:
    from distmat.dataset.filters import Filters
    from distmat.dataset.reading import read_item
    from distmat.dataset.sources import list_items

    for item in list_items([str(path)], path.parent / "unpacked").items[:3]:
        for found in read_item(item, Filters()):
            repr(found).encode()
        item.label.encode()


# Checkpoints


@cache
def _checkpoints() -> list[dict[str, bytes]]:
    """Tiny ones of each kind, file by file."""
    import torch

    from distmat.geometry.calibration import Calibration
    from distmat.library.training_sequences import TrainingSequences
    from distmat.model.adapters import LoraSettings
    from distmat.model.build import build_network
    from distmat.model.checkpoint import Checkpoint, save_checkpoint
    from distmat.model.network import DistanceNetworkConfig
    from distmat.model.residuals import spread_of_known_chains
    from tests.model.tiny_encoders import BASELINE, HEADS, tiny_config

    torch.manual_seed(0)
    found = []
    for kind, head, mode in (
        ("mini", "pair", "full"),
        ("mini", "coordinates", "lora"),
        ("qwen2", "placeholder", "full"),
        ("esm", "pair", "full"),
    ):
        config = DistanceNetworkConfig(
            encoder=tiny_config(kind),
            encoder_name=kind,
            head_kind=head,
            head=HEADS[head],
            std_factors={"local": 1.0},
            max_trained_length=24,
        )
        lora = LoraSettings(rank=2) if mode == "lora" else None
        network = build_network(config, mode, lora, pretrained=False)
        folder = _scratch() / f"seed-{kind}-{head}"
        calibration = Calibration(np.arange(20.0), np.full(20, 0.7))
        about = {"train": "a", "train_chains": 3, "steps": 10, "hours": 0.5}
        learned = TrainingSequences(["1abc_A", "2abc_B"], ["ACDEFGHIKLMNPQRSTVWY", "MKTAYIAKQRQ"])
        errors = spread_of_known_chains()
        whole = Checkpoint(network, BASELINE, calibration, about, errors, learned)
        save_checkpoint(whole, folder)
        found.append({path.name: path.read_bytes() for path in folder.glob("*")})
    found.append(_published())
    return found


def _published() -> dict[str, bytes]:
    from tests.model.test_published import Published, qwen, write

    folder = write(Published(qwen(), 32), _scratch() / "published", "none")
    return {path.name: path.read_bytes() for path in folder.glob("*")}


def _make_checkpoint(random: Random, folder: Path) -> Path:
    files = dict(random.choice(_checkpoints()))
    likely = [n for n in files if n.endswith(".json") and "adapter" not in n and "token" not in n]
    name = random.choice([*likely * 4, *files])
    if name.endswith(".json"):
        files[name] = mutated_json(random, json.loads(files[name]))
    elif name.endswith(".safetensors") and random.random() < 0.6:
        files[name] = _other_header(random, files[name])
    elif random.random() < 0.1:
        del files[name]
    else:
        files[name] = mutated_bytes(random, files[name])
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def _other_header(random: Random, data: bytes) -> bytes:
    length = int.from_bytes(data[:8], "little")
    header = mutated_json(random, json.loads(data[8 : 8 + length]))
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def _read_checkpoint(folder: Path) -> None:
    from distmat.model.predictor import load
    from distmat.ui.predict import header
    from distmat.workspace import list_checkpoints

    list_checkpoints()
    predictor = load(folder)
    predicted = predictor.predict(SEQUENCE)
    assert np.isfinite(predicted.distances).all() and np.isfinite(predicted.std).all()
    table = predictor.baseline.predict(len(SEQUENCE))
    assert np.isfinite(table).all()
    if predictor.calibration is not None:
        predictor.calibration.stretch(predicted.distances)
    request = SimpleNamespace(sequence=SEQUENCE, truth=None)
    asked = {"request": request, "checkpoint": "x", "automatic": False}
    view = SimpleNamespace(**asked, card=predictor.card, seconds=1.0)
    " ".join(header._facts(view)).encode()
    json.dumps(predictor.card).encode()


@cache
def _run_folder() -> dict[str, bytes]:
    from distmat.training.config import TrainingConfig, config_text

    files = {name: data for name, data in _checkpoints()[0].items() if "distmat" not in name}
    state = {"global_step": 20, "log_history": [{"step": 20, "eval_mae": 5.0}]}
    return files | {
        "training_config.json": config_text(TrainingConfig()).encode(),
        "training_data.json": b'{"train": "a", "val": "b"}',
        "trainer_state.json": json.dumps(state).encode(),
        "optimizer.pt": _published()["model.pt"],
    }


def _make_run(random: Random, folder: Path) -> Path:
    for step in (10, 20):
        files = dict(_run_folder())
        if step == 20 or random.random() < 0.1:
            name = random.choice(list(files))
            is_json = name.endswith(".json") and random.random() < 0.7
            files[name] = (
                mutated_json(random, json.loads(files[name]))
                if is_json
                else mutated_bytes(random, files[name])[: random.choice([None, 1000])]
            )
        place = folder / f"checkpoint-{step}"
        place.mkdir()
        for name, data in files.items():
            (place / name).write_bytes(data)
    return folder


def _read_run(folder: Path) -> None:
    from distmat.training.config import TrainingConfig
    from distmat.training.run_folder import (
        check_data,
        checkpoint_to_resume,
        find_changed_settings,
        step_of,
    )

    chosen = checkpoint_to_resume(folder, True)
    step_of(chosen)
    find_changed_settings(TrainingConfig(), chosen)
    check_data(chosen, {"train": "a", "val": "b"}, False)


# Runs


@cache
def _store() -> Any:
    from distmat.runs.store import RunStore

    return RunStore(_scratch() / "runs")


def _make_names(random: Random, folder: Path) -> list[str]:
    return [nasty_text(random) for _ in range(4)]


def _read_names(texts: list[str]) -> None:
    from distmat.training.config import TrainingConfig

    name, tag, note, words = texts
    run = _store().add(TrainingConfig(), name=name, tags=[tag], notes=note, group=words)
    try:
        _store().tag(run.id, [note, words])
        _store().note(run.id, words)
        _store().runs(text=words)
        run = _store().get(run.id)
        json.dumps(run.as_dict(), ensure_ascii=False).encode()
        assert "\n" not in f"{run.name}{run.group}{''.join(run.tags)}"
        _store().rename(run.id, note)
        TrainingConfig().with_settings({"train": name})
    finally:
        _store().forget(run.id)


# All of them


def check_message(error: Exception) -> None:
    """A sentence that any page, terminal and log takes."""
    text = str(error)
    text.encode("utf-8")
    assert text.isprintable(), ascii(text)
    assert text.endswith((".", "?")) and len(text) < 3000, text[-200:]


@cache
def _scratch() -> Path:
    import atexit
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="distmat-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def try_one(kind: Kind, seed: int, folder: Path) -> str:
    """Make the input of a seed and read it; what a person is told, or ``""`` if it was taken.

    Raises
    ------
    Exception
        That is no `DistmatError`: a fault of ours.
    """
    from distmat.errors import DistmatError

    place = folder / f"{kind.name.replace(' ', '-')}-{seed}"
    place.mkdir()
    try:
        given = kind.make(Random(f"{kind.name} {seed}"), place)
        try:
            kind.read(given)
        except DistmatError as error:
            check_message(error)
            return str(error)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return ""


KINDS = (
    Kind("checkpoints", _make_checkpoint, _read_checkpoint),
    Kind("run folders", _make_run, _read_run),
    Kind("datasets", _make_dataset, _read_dataset),
    Kind("cards", _make_card, _read_card),
    Kind("configs", _make_config, _read_config),
    Kind("names, notes, tags", _make_names, _read_names),
    Kind("archives", _make_archive, _read_archive),
    Kind("structures", _make_structure, _read_structure),
    Kind("sequence text", _make_sequences, _read_sequences),
    Kind("maps", _make_map, _read_map),
    Kind("maps of others", _make_foreign, _read_foreign),
    Kind("lists of ids", _make_list, _read_list),
)
