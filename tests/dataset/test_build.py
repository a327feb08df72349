"""Building a dataset: what comes out, and that nothing can half spoil it."""

import csv
import errno
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from distmat.dataset.build import BuildSettings, build
from distmat.dataset.build import read as module
from distmat.dataset.card.files import read_card
from distmat.dataset.catalogue import delete_dataset, list_datasets
from distmat.dataset.download import DownloadPolicy
from distmat.dataset.filters import Filters
from distmat.dataset.splitting import Shares
from distmat.dataset.store import fingerprint, read_dataset, read_facts, stream_rows
from distmat.errors import ConfigError, DatasetError
from tests.dataset.conftest import mutated, pdb
from tests.dataset.structure_server import bcif, serving

ODD_FILES = Path(__file__).parents[2].parent / "shared" / "structures"
EVEN = BuildSettings(shares=Shares(0.6, 0.2, 0.2))


def made(home, name):
    """Names and bytes of all files of a dataset."""
    return {
        path.name.removeprefix(name): path.read_bytes()
        for path in (home / "datasets").iterdir()
        if path.name.startswith(f"{name}.")
    }


def rejects(path):
    with open(path.with_name(f"{path.stem}.rejects.csv"), encoding="utf-8") as file:
        return list(csv.DictReader(file))


def only_whole_files(home):
    return not [path for path in (home / "datasets").iterdir() if path.name.startswith(".")]


@pytest.fixture(scope="module")
def built(structures, tmp_path_factory):
    """A dataset built without disturbance: its home, its path, and what progress was told."""
    home = tmp_path_factory.mktemp("built")
    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISTMAT_HOME", str(home))
        path = build([str(structures)], "set", EVEN, workers=1, progress=told.append)
    return home, path, told


def test_every_chain_is_kept_or_listed_with_its_reason(built, proteins, made_up):
    home, path, _ = built
    dataset = read_dataset(path)
    by_sequence = {chain.sequence: chain for chain in dataset.chains}
    for chain in [*proteins, *made_up]:
        np.testing.assert_allclose(by_sequence[chain.sequence].ca, chain.ca, atol=1e-3)
    (broken,) = rejects(path)
    assert broken["source"] == "00/broken.pdb" and broken["reason"] == "unreadable"
    assert only_whole_files(home)


def test_progress_goes_through_the_phases_and_counts_what_was_kept(built):
    _, _, told = built
    phases = list(dict.fromkeys(state.phase for state in told))
    assert phases == ["list", "read", "cluster", "leaks", "write"]
    assert (told[-1].done, told[-1].kept, told[-1].rejected) == (32, 32, 1)


def test_the_card_tells_what_numpy_finds_in_the_file(built):
    _, path, _ = built
    card, dataset = read_card(path), read_dataset(path)
    assert card["chains"] == len(dataset) and card["fingerprint"] == fingerprint(dataset)
    distances = np.concatenate([c.distances[np.triu_indices(len(c), 1)] for c in dataset.chains])
    distances = distances[np.isfinite(distances)]
    told = card["distances"]
    assert told["pairs"] == len(distances) == sum(told["counts"])
    for name, value in (
        ("mean", distances.mean()),
        ("std", distances.std()),
        ("smallest", distances.min()),
        ("largest", distances.max()),
    ):
        assert told[name] == pytest.approx(value, abs=1e-3)
    assert told["median"] == pytest.approx(np.median(distances), abs=0.05)
    letters = "".join(chain.sequence for chain in dataset.chains)
    assert card["composition"]["L"] == pytest.approx(letters.count("L") / len(letters), abs=1e-4)
    lengths = np.array([len(chain) for chain in dataset.chains])
    histogram = np.array(list(card["lengths"]["counts"].values())).sum(axis=0)
    assert histogram.tolist() == np.bincount(lengths // 16).tolist()
    assert card["rejects"] == {"chains": 1, "by_reason": {"unreadable": 1}}
    scores = card["baselines"]["scores"]
    assert scores["separation and length"]["mae"] < scores["one distance for all"]["mae"]
    text = path.with_suffix(".md").read_text(encoding="utf-8")
    assert "32 chains" in text and "separation and length" in text and "Å" in text


def test_splits_are_shared_out_and_the_file_says_so(built):
    _, path, _ = built
    dataset = read_dataset(path)
    sizes = {split: len(dataset.of_split(split)) for split in ("train", "val", "test")}
    assert sum(sizes.values()) == 32 and 4 <= sizes["val"] <= 7 and 4 <= sizes["test"] <= 7
    assert dataset.representative.all() and len(set(dataset.clusters)) == 32


def test_two_workers_and_another_home_give_the_same_bytes(built, structures, home):
    first = made(built[0], "set")
    build([str(structures)], "set", EVEN, workers=2)
    assert made(home, "set") == first and len(first) == 4


def test_relatives_share_a_split_and_copies_are_left_out(home, tmp_path, proteins):
    folder = tmp_path / "family"
    folder.mkdir()
    for number, chain in enumerate(proteins):
        (folder / f"{number}.pdb").write_text(pdb(chain))
        (folder / f"{number}copy.pdb").write_text(pdb(chain))
        for share in (0.2, 0.4, 0.5):
            (folder / f"{number}m{share}.pdb").write_text(pdb(mutated(chain, share)))
    path = build([str(folder)], "families", EVEN, workers=1)
    facts = read_facts(path)
    facts["family"] = facts["id"].str[0]
    assert len(facts) == 32
    assert (facts.groupby("family")["split"].nunique() == 1).all()
    assert (facts.groupby("family")["group"].nunique() == 1).all()
    assert (facts.groupby("cluster")["rep"].sum() == 1).all()
    assert {row["reason"] for row in rejects(path)} == {"duplicate"} and len(rejects(path)) == 8
    assert read_card(path)["leaks"]["relatives"] == 0


def test_relatives_of_an_excluded_dataset_are_left_out(home, tmp_path, proteins):
    for name, chains in (
        ("test", [mutated(proteins[0], 0.4)]),
        ("all", proteins),
    ):
        (tmp_path / name).mkdir()
        for number, chain in enumerate(chains):
            (tmp_path / name / f"{number}.pdb").write_text(pdb(chain))
    build([str(tmp_path / "test")], "mytest", BuildSettings(shares=Shares(0, 0, 1)), workers=1)
    settings = replace(EVEN, exclude=("mytest",))
    path = build([str(tmp_path / "all")], "all", settings, workers=1)
    (reject,) = rejects(path)
    assert reject["reason"] == "relative" and "of mytest" in reject["detail"]
    assert proteins[0].sequence not in {c.sequence for c in read_dataset(path).chains}


def test_chains_of_one_file_stay_chains_of_their_own(home, tmp_path, proteins):
    two = pdb(proteins[0]).replace("END\n", "") + pdb(proteins[1], "B")
    (tmp_path / "1two.pdb").write_text(two)
    path = build([str(tmp_path / "1two.pdb")], "two", workers=1)
    assert [c.name for c in read_dataset(path).chains] == ["1two_A", "1two_B"]


def test_files_of_one_name_keep_names_of_their_own(home, tmp_path, proteins):
    for number in range(3):
        (tmp_path / f"f{number}").mkdir()
        (tmp_path / f"f{number}" / "same.pdb").write_text(pdb(proteins[number]))
    path = build([str(tmp_path)], "names", workers=1)
    assert [c.name for c in read_dataset(path).chains] == ["same_A", "same_A.2", "same_A.3"]


def test_ids_are_downloaded_and_their_splits_kept(home, tmp_path, proteins):
    files = {f"{number}abc": bcif(chain) for number, chain in enumerate(proteins[:4], start=1)}
    (tmp_path / "ids.csv").write_text(
        "id,split\n1abc_A,train\n2abc_A,val\n3abc_A,test\n4abc_Z,train\n9zzz_A,train\n"
    )
    with serving(files, {"2abc": ["cut"]}) as (address, _):
        path = build(
            [str(tmp_path / "ids.csv")],
            "ids",
            workers=1,
            server=address,
            policy=DownloadPolicy(per_second=500, pause=0.01),
        )
    dataset = read_dataset(path)
    assert dict(zip([c.name for c in dataset.chains], dataset.splits.tolist(), strict=True)) == {
        "1abc_A": "train",
        "2abc_A": "val",
        "3abc_A": "test",
    }
    reasons = {(row["id"], row["source"]): row["reason"] for row in rejects(path)}
    assert reasons == {("4abc_Z", "4abc"): "no such chain", ("", "9zzz"): "not downloaded"}


def test_the_published_pipeline_s_file_and_an_archive_are_sources_like_any(
    home, tmp_path, proteins
):
    whole = [chain for chain in proteins if chain.observed.all()][:3]
    samples = []
    for number, chain in enumerate(whole[:2]):
        matrix = np.log1p(chain.distances)
        stats = {"method": "log_scale", "max_log_dist": float(matrix.max())}
        samples.append(
            {
                "pdb_code": f"{number}xyz",
                "sequence": chain.sequence,
                "distance_matrix": (matrix / (matrix.max() + 1e-8)).tolist(),
                "dist_norm_stats": stats,
            }
        )
    samples.append({"pdb_code": "bad", "sequence": "MKV"})
    (tmp_path / "distmat_train.json").write_text(json.dumps({"samples": samples}))
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("a/third.pdb", pdb(whole[2]))
    inputs = [str(tmp_path / "distmat_train.json"), str(tmp_path / "more.zip")]
    path = build(inputs, "mixed", workers=1)
    found = {chain.name: chain for chain in read_dataset(path).chains}
    assert set(found) == {"0xyz", "1xyz", "third_A"}
    np.testing.assert_allclose(found["0xyz"].distances, whole[0].distances, atol=1e-3)
    (reject,) = rejects(path)
    assert (reject["id"], reject["reason"]) == ("bad", "unreadable")
    assert read_card(path)["origin"]["json_files"] == 1


def test_a_dataset_is_split_anew_with_its_facts(built, home):
    _, path, _ = built
    again = build([str(path)], "again", replace(EVEN, seed=5), workers=1)
    assert fingerprint(again) == fingerprint(path)
    assert read_facts(again)["source"].tolist() == read_facts(path)["source"].tolist()
    assert read_dataset(again).splits.tolist() != read_dataset(path).splits.tolist()


def test_a_name_that_is_taken_is_refused_unless_it_may_be_replaced(home, tmp_path, proteins):
    (tmp_path / "1.pdb").write_text(pdb(proteins[0]))
    (tmp_path / "2.pdb").write_text(pdb(proteins[1]))
    build([str(tmp_path / "1.pdb")], "one", workers=1)
    before = made(home, "one")
    with pytest.raises(DatasetError, match="a dataset 'one' already"):
        build([str(tmp_path / "2.pdb")], "one", workers=1)
    assert made(home, "one") == before and only_whole_files(home)
    build([str(tmp_path / "2.pdb")], "one", workers=1, overwrite=True)
    assert read_dataset(home / "datasets" / "one.parquet").chains[0].name == "2_A"


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x.parquet", "a b", "é"])
def test_a_name_that_is_no_file_of_ours_is_refused(home, structures, name):
    with pytest.raises(DatasetError, match="can't be a dataset's"):
        build([str(structures)], name)
    assert not (home / "datasets").exists()


def test_nothing_left_is_said_with_the_first_reason_and_leaves_nothing(home, structures):
    with pytest.raises(DatasetError, match="No chain is left of 33 files") as error:
        build(
            [str(structures)],
            "none",
            BuildSettings(filters=Filters(min_length=400)),
            workers=1,
        )
    assert "at least 400" in str(error.value) or "damaged" in str(error.value)
    assert list((home / "datasets").iterdir()) == []


@pytest.mark.parametrize(
    "change", [{"identity": 0.1}, {"coverage": 2.0}, {"identity": float("nan")}]
)
def test_a_setting_outside_its_range_is_refused(change):
    with pytest.raises(ConfigError, match="must lie between"):
        BuildSettings(**change)


def test_an_unreadable_file_and_one_of_two_gigabytes_are_rejects_of_one_sentence(
    home, tmp_path, proteins
):
    (tmp_path / "good.pdb").write_text(pdb(proteins[0]))
    os.mkfifo(tmp_path / "pipe.pdb")
    (tmp_path / "gone.pdb").symlink_to(tmp_path / "nowhere")
    with open(tmp_path / "huge.cif", "wb") as file:
        file.truncate(2 * 2**30)
    path = build([str(tmp_path)], "rest", workers=1)
    details = {row["source"]: row["detail"] for row in rejects(path)}
    assert set(details) == {"pipe.pdb", "gone.pdb", "huge.cif"}
    assert "2,048 MiB" in details["huge.cif"]
    assert all(detail.count(".") <= 3 and detail.endswith(".") for detail in details.values())


def test_a_full_disk_stops_in_a_sentence_and_the_next_start_goes_on(
    home, structures, built, monkeypatch
):
    writer = module.DatasetWriter
    monkeypatch.setattr(module, "_ITEMS_IN_PART", 10)
    parts = 0

    class Full(writer):
        def __init__(self, *arguments):
            nonlocal parts
            parts += 1
            if parts > 2:
                raise OSError(errno.ENOSPC, "No space left on device", "part")
            super().__init__(*arguments)

    monkeypatch.setattr(module, "DatasetWriter", Full)
    with pytest.raises(DatasetError, match=r"No space left on device.*goes on where it was"):
        build([str(structures)], "set", EVEN, workers=1)
    assert not list((home / "datasets").glob("*.parquet"))
    work = home / "datasets" / ".set.build"
    assert len(list(work.glob("part-*.parquet"))) == 2 and not list(work.glob(".*"))
    monkeypatch.setattr(module, "DatasetWriter", writer)
    build([str(structures)], "set", EVEN, workers=1)
    assert fingerprint(home / "datasets" / "set.parquet") == fingerprint(built[1])
    assert only_whole_files(home)


def test_two_builds_of_one_name_at_a_time_are_refused(home, structures):
    def interfere(state):
        if state.phase == "read":
            with pytest.raises(DatasetError, match="being built by another process"):
                build([str(structures)], "set", EVEN, workers=1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build([str(structures)], "set", EVEN, workers=1, progress=interfere)


def test_other_inputs_under_the_name_of_a_build_that_was_stopped_start_anew(
    home, structures, tmp_path, proteins
):
    def stop(state):
        if state.phase == "cluster":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build([str(structures)], "set", EVEN, workers=1, progress=stop)
    (tmp_path / "1.pdb").write_text(pdb(proteins[0]))
    path = build([str(tmp_path / "1.pdb")], "set", workers=1)
    assert len(read_dataset(path)) == 1


def test_a_build_killed_in_each_phase_and_started_again_ends_with_the_same_bytes(
    built, home, structures, tmp_path
):
    arguments = [str(structures), "-o", "set", "--train", "0.6", "--val", "0.2", "--test", "0.2"]
    progress = tmp_path / "progress.json"
    command = [sys.executable, "-m", "distmat.cli", "data", "build", *arguments]
    command += ["--progress", str(progress)]
    for phase in ("read", "cluster", "write"):
        kill_in(phase, command, progress)
        assert not (home / "datasets" / "set.parquet").exists()
    subprocess.run(command, check=True, capture_output=True)
    assert made(home, "set") == made(built[0], "set")
    assert only_whole_files(home)
    assert json.loads(progress.read_text())["status"] == "finished"


def kill_in(phase, command, progress):
    """Run the command until it tells that it is in this phase."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while json.loads(progress.read_text())["phase"] != phase if progress.exists() else True:
        assert process.poll() is None and time.monotonic() < deadline, f"no phase '{phase}'"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_the_catalogue_lists_and_deletes_what_is_there_and_nothing_else(home, built, tmp_path):
    folder = home / "datasets"
    folder.mkdir(parents=True)
    for suffix, content in made(built[0], "set").items():
        (folder / f"set{suffix}").write_bytes(content)
    (folder / "bad.parquet").write_text("no parquet")
    bad, good = list_datasets()
    assert (good.name, good.chains, sum(good.split_sizes().values())) == ("set", 32, 32)
    assert bad.fault and bad.chains == 0
    outside = tmp_path / "precious.parquet"
    outside.write_text("mine")
    for name in ("none", "../../precious", str(outside)):
        with pytest.raises(DatasetError, match="to delete; there are: bad, set"):
            delete_dataset(name)
    assert len(delete_dataset("set")) == 4
    assert [path.name for path in folder.iterdir()] == ["bad.parquet"] and outside.exists()


def test_odd_files_of_the_wild_are_each_kept_or_refused_as_they_are_described(home):
    if not ODD_FILES.is_dir():
        pytest.skip("the collection of odd structure files is not there")
    manifest = json.loads((ODD_FILES / "MANIFEST.json").read_text())
    path = build([str(ODD_FILES)], "odd", workers=1)
    kept, refused = {}, {}
    for row in stream_rows(path):
        kept.setdefault(row["source"], []).append(row)
    for reject in rejects(path):
        refused.setdefault(reject["source"], []).append(reject)
    for entry in manifest:
        name, features = entry["file"], entry["features"]
        chains = len(kept.get(name, [])) + len([r for r in refused.get(name, []) if r["id"]])
        unreadable = [r for r in refused.get(name, []) if r["reason"] == "unreadable"]
        assert chains or unreadable, name
        if "noCA" in features or "atoms=0" in features:
            assert unreadable and not chains
        if name.startswith("TRUNCATED"):
            assert "damaged" in unreadable[0]["detail"]
        if ".mmtf" in name:
            assert "MMTF" in unreadable[0]["detail"]
        stated = [int(f.removeprefix("chains=")) for f in features if f.startswith("chains=")]
        if chains and stated and name not in ("p2rank__1fbl.pdb.gz", "biopython__1LCD.pdb"):
            # Chains of DNA and ligands are no protein's.
            assert chains <= stated[0], name
        if name == "pymol-testing__1aon.pdb.gz":
            assert chains == 21
