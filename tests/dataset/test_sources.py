"""What inputs stand for, and what is refused."""

import io
import os
import random
import tarfile
import zipfile

import pytest

from distmat.dataset import archive
from distmat.dataset.filters import Filters
from distmat.dataset.reading import read_item
from distmat.dataset.sources import list_items
from distmat.errors import DatasetError
from tests.dataset.conftest import pdb


def labels(inputs, tmp_path):
    return [item.label for item in list_items([str(i) for i in inputs], tmp_path / "u").items]


def test_a_folder_is_searched_through_and_a_glob_chooses(structures, tmp_path):
    listing = list_items([str(structures)], tmp_path)
    assert len(listing.items) == 33 and listing.passed_over == 32
    assert listing.items[0].label == "00/00_protein.pdb"
    assert listing.items[1].label == "00/broken.pdb"
    found = labels([f"{structures}/*/*_protein.pdb"], tmp_path)
    assert len(found) == 32 and found == sorted(found)


def test_lists_of_ids_are_joined_by_entry(tmp_path):
    (tmp_path / "ids.txt").write_text("1ABC_A  # the first\n2xyz\n\n1abc_B, 3def\n")
    (tmp_path / "ids.csv").write_text("split,id\nval,4hhb_A\ntrain,1abc_C\n")
    listing = list_items([str(tmp_path / "ids.txt"), str(tmp_path / "ids.csv"), "5xyz_A"], tmp_path)
    found = {item.path: item.chains for item in listing.items}
    assert found == {
        "1abc": ("1abc_A", "1abc_B", "1abc_C"),
        "2xyz": (),
        "3def": (),
        "4hhb": ("4hhb_A",),
        "5xyz": ("5xyz_A",),
    }
    assert listing.splits == {"4hhb_A": "val", "1abc_C": "train"}


def test_a_name_in_a_table_that_is_no_pdb_id_becomes_a_reject(tmp_path):
    (tmp_path / "ids.csv").write_text("id,split\nmodel_7,train\n1abc_A,val\n")
    listing = list_items([str(tmp_path / "ids.csv")], tmp_path)
    assert [(item.kind, item.label) for item in listing.items] == [
        ("unknown", "model_7"),
        ("entry", "1abc"),
    ]
    (reject,) = read_item(listing.items[0], Filters())
    assert (reject.id, reject.source, reject.reason) == ("model_7", "ids.csv", "no PDB id")


def test_all_ways_to_write_an_entry_are_one_item(tmp_path):
    (tmp_path / "ids.txt").write_text("PDB_00001ABC_A\n1abc_B\n")
    listing = list_items([str(tmp_path / "ids.txt"), "pdb_00001abc_C", "PDB_1000ABCD"], tmp_path)
    assert {item.path: item.chains for item in listing.items} == {
        "1abc": ("1abc_A", "1abc_B", "1abc_C"),
        "pdb_1000abcd": (),
    }


def test_a_chain_that_two_lists_put_into_two_splits_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("id,split\n1abc_A,train\n")
    (tmp_path / "b.csv").write_text("id,split\npdb_00001abc_A,test\n")
    with pytest.raises(
        DatasetError, match=r"b\.csv lists '1abc_A' as test, and it is listed as tra"
    ):
        list_items([str(tmp_path / name) for name in ("a.csv", "b.csv")], tmp_path)


def test_files_are_told_by_their_content(tmp_path, proteins):
    (tmp_path / "ids.dat").write_text("1abc_A\n")
    (tmp_path / "x.pdb.txt").write_text(pdb(proteins[0]))
    (tmp_path / "samples").write_text("[]")
    inputs = [str(tmp_path / name) for name in ("ids.dat", "x.pdb.txt", "samples")]
    kinds = [(item.kind, item.label) for item in list_items(inputs, tmp_path).items]
    assert kinds == [("file", "x.pdb.txt"), ("json", "samples"), ("entry", "1abc")]
    (tmp_path / "x.csv").write_text(">x\nMKTA")
    with pytest.raises(DatasetError, match=r"'x\.csv' holds sequences; a dataset needs structures"):
        list_items([str(tmp_path / "x.csv")], tmp_path)


def test_a_folder_holds_what_its_files_are_and_its_links_lead_to(tmp_path, proteins):
    folder, other = tmp_path / "folder", tmp_path / "other"
    for place in (folder, other / "deep"):
        place.mkdir(parents=True)
    for path in (folder / "a.pdb.txt", folder / "b.txt", folder / "c", other / "deep" / "d.pdb"):
        path.write_text(pdb(proteins[0]))
    (folder / "readme.txt").write_text("about")
    (folder / "link").symlink_to(other, target_is_directory=True)
    (folder / "link-again").symlink_to(other, target_is_directory=True)
    (other / "round").symlink_to(folder, target_is_directory=True)
    listing = list_items([str(folder)], tmp_path)
    found = [item.label for item in listing.items]
    assert found == ["a.pdb.txt", "b.txt", "c", "link/deep/d.pdb"] and listing.passed_over == 1


@pytest.mark.parametrize("name", ["nothing", "no/such/folder", "*.none", "x\0y", "z" * 5000])
def test_what_is_nowhere_is_refused(tmp_path, name):
    with pytest.raises(DatasetError):
        list_items([name], tmp_path)


def packed(kind, members):
    """An archive of these names and contents, in memory."""
    data = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in members:
                file.writestr(name, content)
    else:
        with tarfile.open(fileobj=data, mode=f"w:{kind}") as file:
            for name, content in members:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                file.addfile(info, io.BytesIO(content))
    return data.getvalue()


@pytest.mark.parametrize(("kind", "name"), [("zip", "a.zip"), ("gz", "a.tar.gz"), ("xz", "a.txz")])
def test_the_structure_files_of_an_archive_are_items_like_any(tmp_path, kind, name, proteins):
    content = pdb(proteins[0]).encode()
    members = [("set/2.pdb", content), ("set/1.pdb", content), ("set/readme", b"x")]
    (tmp_path / name).write_bytes(packed(kind, members))
    listing = list_items([str(tmp_path / name)], tmp_path / "u")
    assert [item.label for item in listing.items] == [f"{name}:set/1.pdb", f"{name}:set/2.pdb"]
    for item in listing.items:
        with open(item.path, "rb") as file:
            assert file.read() == content


@pytest.mark.parametrize("kind", ["zip", "gz"])
@pytest.mark.parametrize("name", ["../out.pdb", "/tmp/out.pdb", "a/../../out.pdb", "C:\\out.pdb"])
def test_an_archive_that_leads_out_of_its_folder_is_refused_and_leaves_nothing(
    tmp_path, kind, name
):
    path = tmp_path / ("a.zip" if kind == "zip" else "a.tar.gz")
    path.write_bytes(packed(kind, [("good.pdb", b"x"), (name, b"x")]))
    with pytest.raises(DatasetError, match="leads out of its folder"):
        list_items([str(path)], tmp_path / "u")
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == [path.name]


@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_a_bomb_is_refused_before_it_fills_the_disk(tmp_path, kind, monkeypatch):
    path = tmp_path / ("a.zip" if kind == "zip" else "a.tar.gz")
    path.write_bytes(packed(kind, [("bomb.pdb", bytes(80 * 2**20))]))
    assert path.stat().st_size < 2**18
    with pytest.raises(DatasetError, match="unpacks to far more"):
        list_items([str(path)], tmp_path / "u")
    assert not (tmp_path / "u" / "0").exists()


def test_a_zip_that_lies_about_its_sizes_is_refused(tmp_path, monkeypatch):
    data = bytearray(packed("zip", [("bomb.pdb", bytes(2**20))]))
    directory = data.rindex(b"PK\x01\x02")
    for place in (22, directory + 24):  # the unpacked size, in both headers
        data[place : place + 4] = (10).to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DatasetError):
        list_items([str(tmp_path / "a.zip")], tmp_path / "u")


def test_links_and_devices_in_an_archive_are_left_out(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        for name, kind in (("link.pdb", tarfile.SYMTYPE), ("fifo.pdb", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            file.addfile(info)
        info = tarfile.TarInfo("good.pdb")
        info.size = 1
        file.addfile(info, io.BytesIO(b"x"))
    assert labels([tmp_path / "a.tar"], tmp_path) == ["a.tar:good.pdb"]


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04 broken", random.Random(0).randbytes(1000)],
    ids=["empty", "broken", "noise"],
)
@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_a_damaged_archive_is_refused_in_a_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match="can't be unpacked"):
        list_items([str(tmp_path / name)], tmp_path / "u")


def test_a_member_too_large_for_the_reader_is_cut_so_that_the_reader_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_BYTES", 1000)
    (tmp_path / "a.zip").write_bytes(packed("zip", [("big.pdb", os.urandom(5000))]))
    (item,) = list_items([str(tmp_path / "a.zip")], tmp_path / "u").items
    assert os.path.getsize(item.path) == 1001
