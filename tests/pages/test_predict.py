import gzip
from pathlib import Path

import pytest

from distmat.export.formats import FORMATS
from distmat.library.training_sequences import TrainingSequences
from distmat.protein.examples import examples
from distmat.protein.structure.write import write_mmcif, write_pdb
from distmat.workspace import AUTO
from tests.figures.explorer_bytes import read_scene

LONG = "ACDEFGHIKLMNPQRSTVWY" * 14
"""280 residues."""
SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDG"


def paste(page, text):
    page.text_area(key="pasted").set_value(text)
    return button(page, "Predict").click().run()


def button(page, label):
    return next(button for button in page.button if button.label == label)


def upload(page, name, data):
    return page.file_uploader[0].set_value((name, data, "application/octet-stream")).run()


def scenes(page):
    """What the explorers show: header, maps and traces of each."""
    return [read_scene(element.proto.bytes) for element in page.get("bidi_component")]


def shown(page):
    """All words on the page."""
    kinds = (
        "title",
        "header",
        "subheader",
        "markdown",
        "caption",
        "info",
        "success",
        "warning",
        "error",
    )
    return "\n".join(str(element.value) for kind in kinds for element in getattr(page, kind))


def assert_no_fault(page):
    assert not page.exception
    assert not page.error


def test_opening_the_page_offers_the_examples_and_says_that_they_are_honest(page):
    page.run()
    assert_no_fault(page)
    labels = " ".join(button.label for button in page.button)
    assert all(example.title in labels for example in examples())
    assert "30 % identical" in shown(page)
    assert "Side chains are out of scope" in shown(page)


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.key)
def test_one_click_on_an_example_shows_scores_maps_and_backbone(page, example):
    page.run()
    page.button(key=f"example-{example.key}").click().run()
    assert_no_fault(page)
    assert page.header[0].value.replace("\\", "") == example.title
    assert [metric.label for metric in page.metric] == [
        "Distance MAE",
        "Correlation r",
        "Distance lDDT",
        "TM-score",
        "RMSD",
    ]
    # No score stands without the baseline's: a map's, or that of the trace it implies.
    assert all(metric.delta for metric in page.metric)
    assert len(page.get("plotly_chart")) == 3
    ((header, maps, traces),) = scenes(page)
    assert header["sequence"] == example.read().sequence
    assert set(maps) == {"predicted", "std", "true"}
    assert len(traces) == 9
    assert len(page.get("download_button")) == len(FORMATS) + 1


def test_an_example_is_predicted_once_however_often_the_page_runs(page, predictor):
    page.run()
    page.button(key="example-kunitz").click().run()
    page.run()
    assert len(predictor.asked) == 1


def test_clicking_an_example_makes_a_link_and_pasting_drops_it(page):
    page.run()
    page.button(key="example-kunitz").click().run()
    assert page.query_params["example"] == "kunitz"
    paste(page, SEQUENCE)
    assert "example" not in page.query_params


def test_pasting_a_sequence_shows_only_what_can_be_known_of_it(page):
    page.run()
    paste(page, f" {SEQUENCE[:20].lower()}\n{SEQUENCE[20:]} ")
    assert_no_fault(page)
    assert page.metric[0].value == str(len(SEQUENCE))
    assert "No structure is known" in shown(page)
    assert not page.table
    ((_, maps, traces),) = scenes(page)
    assert set(maps) == {"predicted", "std"}
    assert "truth" not in traces


CHAIN = examples()[0].read()
UPLOADS = {
    "latin1.fasta": (f">x caf\u00e9\n{SEQUENCE}".encode("latin-1"), SEQUENCE),
    "pearson.fasta": (f";comment\n>x\n{SEQUENCE}".encode(), SEQUENCE),
    "x.fasta.gz": (gzip.compress(f">x\n{SEQUENCE}".encode()), SEQUENCE),
    "x.a3m": (f">x\n{SEQUENCE}\n>y\n---aa{SEQUENCE[3:]}".encode(), SEQUENCE),
    "x.pdb.txt": (write_pdb(CHAIN.sequence, CHAIN.ca).encode(), CHAIN.sequence),
}  # fmt: skip


@pytest.mark.parametrize("name", UPLOADS)
def test_a_file_is_opened_by_what_it_holds_whatever_it_is_called(page, predictor, name):
    data, sequence = UPLOADS[name]
    upload(page.run(), name, data)
    assert_no_fault(page)
    assert predictor.asked == [sequence]
    said = " ".join(str(info.value) for info in page.info)
    assert ("first of the 2 rows of an alignment" in said) == (name == "x.a3m")
    assert ("Alignment of 2 sequences" in said) == (name == "x.a3m")
    assert bool(page.table) == (name == "x.pdb.txt")


def test_dna_is_refused_and_predicted_once_a_person_says_that_it_is_a_protein(page, predictor):
    page.run()
    paste(page, "ATGAAAACCGCGTATATTGCGAAACAGCGTCAGATTAGCTTT")
    assert "that is DNA and no protein; translate it first" in page.error[0].value
    assert not predictor.asked
    page.button(key="amino-acids").click().run()
    assert_no_fault(page)
    assert predictor.asked == ["ATGAAAACCGCGTATATTGCGAAACAGCGTCAGATTAGCTTT"]


def test_pasting_several_records_lets_one_choose(page):
    page.run()
    paste(page, f">one\n{SEQUENCE}\n>two\n{SEQUENCE[:30]}")
    assert not page.header
    page.selectbox(key="paste-choice").select_index(1).run()
    page.button(key="paste-predict").click().run()
    assert page.header[0].value == "two"
    assert page.metric[0].value == "30"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "There is no sequence"),
        ("MKTJ", "residue 4 is 'J'"),
        (">a\nMK1", "residue 3 is '1'"),
        ("A", "only 1 residue"),
        ("<script>alert(1)</script>", "is '\\<'"),
        ("A" * 20_000, "20,000 letters"),
    ],
)
def test_pasting_what_is_no_protein_is_answered_with_one_sentence(page, text, part):
    page.run()
    paste(page, text)
    assert not page.exception
    (error,) = page.error
    assert part.replace("'", "") in error.value.replace("'", "").replace("\\,", ",")
    assert page.text_area(key="pasted").value == text


def test_an_error_leaves_the_last_result_where_it_was(page):
    page.run()
    page.button(key="example-kunitz").click().run()
    paste(page, "MKTJ")
    assert len(page.error) == 1
    assert page.header[0].value == "Kunitz domain of TFPI"
    assert len(scenes(page)) == 1


def test_a_chain_that_is_too_long_is_refused_and_the_last_result_stays(page):
    page.run()
    page.button(key="example-kunitz").click().run()
    paste(page, "ACDEFGHIKL" * 40)
    (error,) = page.error
    assert "The sequence has 400 residues" in error.value
    assert "\\*cut\\*" in error.value
    assert page.header[0].value == "Kunitz domain of TFPI"


def test_a_name_full_of_markup_is_shown_letter_by_letter(page):
    page.run()
    paste(page, f">**<b>[x](http://a.b)\n{SEQUENCE}")
    assert_no_fault(page)
    assert page.header[0].value == "\\*\\*\\<b\\>\\[x\\]\\(http\u2060\\://a\\.b\\)"
    assert "<b>" not in str(scenes(page)[0][0])


def test_uploading_a_structure_compares_with_its_own_coordinates(page):
    chain = examples()[7].read()
    page.run()
    upload(page, "mine.pdb", write_pdb(chain.sequence, chain.ca).encode())
    assert_no_fault(page)
    assert page.header[0].value == "mine\\_A"
    assert page.metric[0].label == "Distance MAE"


def test_uploading_a_gzipped_mmcif_file_works_too(page):
    chain = examples()[7].read()
    page.run()
    upload(page, "mine.cif.gz", gzip.compress(write_mmcif(chain.sequence, chain.ca).encode()))
    assert_no_fault(page)
    assert page.metric[0].label == "Distance MAE"


def test_uploading_several_chains_lets_one_choose(page):
    chain = examples()[7].read()
    first = write_pdb(chain.sequence, chain.ca).replace("END\n", "")
    second = write_pdb(chain.sequence[:40], chain.ca[:40], chain_id="B")
    page.run()
    upload(page, "two.pdb", (first + second).encode())
    assert_no_fault(page)
    assert not page.header
    page.selectbox(key="upload-choice").select_index(1).run()
    page.button(key="upload-predict").click().run()
    assert page.header[0].value == "two\\_B"


def test_going_back_to_an_uploaded_file_from_an_example_takes_one_click(page, predictor):
    chain = examples()[7].read()
    page.run()
    upload(page, "mine.pdb", write_pdb(chain.sequence, chain.ca).encode())
    page.button(key="example-kunitz").click().run()
    page.button(key="upload-predict").click().run()
    assert_no_fault(page)
    assert page.header[0].value == "mine\\_A"
    assert len(predictor.asked) == 2


@pytest.mark.parametrize("name", ["mine.fasta", "mine.fa.gz"])
def test_uploading_a_fasta_file_predicts_it(page, name):
    data = f">mine\n{SEQUENCE}\n".encode()
    page.run()
    upload(page, name, gzip.compress(data) if name.endswith(".gz") else data)
    assert_no_fault(page)
    assert page.header[0].value == "mine"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdb", b""),
        ("a.pdb", b"\x00\xff" * 100),
        ("a.cif.gz", b"\x1f\x8b broken"),
        ("a.fasta", b"\xff\xfe\x00"),
        ("a.fa.gz", b"\x1f\x8b broken"),
        ("a.fasta", b">nothing\n"),
        ("<img src=x>.pdb", b"nothing"),
    ],
)
def test_uploading_what_can_not_be_read_is_answered_with_one_sentence(page, name, data):
    page.run()
    upload(page, name, data)
    assert not page.exception
    assert len(page.error) == 1
    assert "<img" not in page.error[0].value.replace("\\<img", "")


def test_removing_a_file_that_could_not_be_read_removes_its_error(page):
    page.run()
    upload(page, "a.pdb", b"nothing")
    assert len(page.error) == 1
    page.file_uploader[0].clear().run()
    assert not page.error


def test_a_truth_with_missing_residues_is_compared_where_it_was_observed(page):
    page.run()
    page.button(key="example-cdc13").click().run()
    assert_no_fault(page)
    assert "187 of them observed" in shown(page)


def test_a_chain_longer_than_those_of_the_training_comes_with_a_warning(page):
    page.run()
    page.button(key="example-cdc13").click().run()
    assert any("up to 150" in info.value for info in page.info)
    page.button(key="example-kunitz").click().run()
    assert not any("up to 150" in info.value for info in page.info)


@pytest.mark.parametrize(
    ("noise", "kind", "words"),
    [
        (2.0, "success", "Better than knowing nothing"),
        (60.0, "warning", "Worse than knowing nothing"),
    ],
)
def test_the_verdict_says_whether_the_prediction_beats_the_separation(
    page, predictor, noise, kind, words
):
    predictor.noise = noise
    page.run()
    page.button(key="example-kunitz").click().run()
    said = getattr(page, kind)[0].value
    assert words in said
    assert "own training chains gives" in said  # the stand-in's table isn't the one that ships


def test_what_was_learned_by_heart_is_said_first_and_isn_t_praised(page, predictor, monkeypatch):
    il2 = next(example.read().sequence for example in examples() if example.key == "il2")
    monkeypatch.setattr(predictor, "training_sequences", TrainingSequences(["9xyz_A"], [il2]))
    page.run()
    page.button(key="example-il2").click().run()
    assert page.warning[0].value.replace("\\", "").startswith("**Identical to 9xyz_A, which mini")
    assert not page.success and "Better than knowing nothing" in page.info[0].value
    page.button(key="example-kunitz").click().run()
    assert page.success and not page.warning
    assert "No relative among the 1 chains" in shown(page).replace("\\", "")


def test_a_checkpoint_that_doesn_t_tell_what_it_learned_from_says_so(page):
    page.run()
    page.button(key="example-kunitz").click().run()
    assert "doesn't tell which chains it was trained on" in shown(page).replace("\\", "")


def test_the_score_table_stands_beside_the_baseline(page):
    page.run()
    page.button(key="example-il2").click().run()
    _, overall, by_band = (table.value for table in page.table)
    assert list(overall.columns) == [
        "score",
        "model",
        "knowing only the separation",
        "better by",
        "the checkpoint's own baseline",
    ]
    assert list(overall["score"])[:4] == ["MAE (Å)", "RMSE (Å)", "r", "lDDT"]
    assert [band.split()[0] for band in by_band["band"]] == ["local", "short", "medium", "long"]


def test_the_backbone_says_which_hand_and_how_sure_that_is(page):
    page.run()
    page.button(key="example-il2").click().run()
    words = shown(page)
    assert "Which hand?" in words
    assert "confidence" in words
    assert "three dimensions hold" in words
    assert "out of scope" in words


@pytest.mark.parametrize("letters", ["AC", "ACD", "ACDE"])
def test_the_shortest_chains_are_answered(page, letters):
    page.run()
    paste(page, letters)
    assert_no_fault(page)
    assert page.metric[0].value == str(len(letters))


def test_the_tab_key_goes_through_the_examples_as_one_reads_them(page):
    page.run()
    keys = [button.key for button in page.button if (button.key or "").startswith("example-")]
    assert keys == [f"example-{example.key}" for example in examples()]


def test_many_sequences_become_a_job_with_a_table_to_take_home(page, tmp_path, monkeypatch):
    from distmat.batch import PREDICTION
    from distmat.jobs import operations
    from distmat.jobs.states import State
    from distmat.jobs.store import JobStore

    monkeypatch.setattr(operations, "ensure_scheduler", lambda home: None)
    page.run()
    button(page, "Predict all").click().run()
    assert "Upload a file" in shown(page)
    files = page.file_uploader(key="many-files")
    files.set_value(("many.fasta", b">a\nMKTJ\n", "text/plain"))
    button(page, "Predict all").click().run()
    assert "residue 4 is" in shown(page)
    two = b">a\nMKTAYIAKQRQISFVK\n>b\nMKTAYIAKQRQISF\n"
    page.file_uploader(key="many-files").set_value(("many.fasta", two, "text/plain"))
    button(page, "Predict all").click().run()
    with JobStore(tmp_path) as store:
        (job,) = store.jobs(kinds=[PREDICTION])
        assert job.name == "many.fasta: 2 chains" and job.settings["formats"] == ["npy", "pdb"]
        assert job.settings["checkpoint"] == AUTO
        (path,) = job.settings["inputs"]
        assert path.startswith(str(job.folder)) and Path(path).read_bytes() == two
        folder = job.folder / "results"
        folder.mkdir(parents=True)
        (folder / "results.csv").write_text("name,residues,error\na,16,\nb,14,\n")
        (folder / "results.zip").write_bytes(b"packed")
        for state in (State.STARTING, State.RUNNING, State.FINISHED):
            store.change_state(job.id, state)
    page.run()
    table = next(frame.value for frame in page.dataframe if "residues" in frame.value)
    assert list(table.columns) == ["name", "residues"] and len(table) == 2
    assert any(one.label == "Download all, ZIP" for one in page.get("download_button"))
