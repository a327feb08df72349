import pytest
import yaml
from streamlit.testing.v1 import AppTest

from distmat.errors import RunError
from distmat.jobs.hardware import Gpu
from distmat.jobs.states import State
from distmat.runs import operations
from distmat.runs.store import RunStore
from distmat.settings import groups
from distmat.training.config import TrainingConfig, settings
from distmat.training.presets import PRESETS
from distmat.ui import run_store
from distmat.ui.train import page as train_page


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    # Nothing is started: what the button asks for is what counts here.
    monkeypatch.setattr(operations, "ensure_scheduler", lambda home: None)
    run_store._store.clear()
    return tmp_path


@pytest.fixture
def page(home):
    return AppTest.from_file("../../pages/train.py", default_timeout=120)


def button(page, label):
    return next(button for button in page.button if button.label == label)


def errors(page):
    return " ".join(error.value for error in page.error).replace("\\", "")


def setting(page, name):
    kinds = (page.text_input, page.selectbox, page.checkbox)
    key = f"setting-{name}"
    return next(widget for kind in kinds for widget in kind if widget.key == key)


def text(page):
    return page.text_area(key="train-yaml")


def launched():
    with RunStore() as store:
        return store.runs()


def test_every_setting_is_in_the_form_once():
    named = [name for names in groups(TrainingConfig).values() for name in names]
    assert sorted([*named, "output"]) == sorted(settings())
    assert all(settings()[name].label for name in named)


def test_a_field_appears_only_where_it_applies(page):
    page.run()
    keys = {widget.key for widget in page.text_input}
    assert "setting-hidden_size" in keys
    assert not {"setting-lora_rank", "setting-fine_width"} & keys
    setting(page, "mode").set_value("lora").run()
    assert setting(page, "lora_rank").value == "8"
    setting(page, "encoder").set_value("facebook/esm2_t6_8M_UR50D").run()
    assert "setting-hidden_size" not in {widget.key for widget in page.text_input}
    assert not page.exception


def test_values_that_switch_something_off_are_shown_as_words(page):
    page.run()
    assert setting(page, "early_stopping_patience").value == "off"
    assert setting(page, "max_chain_length").value == "no limit"
    setting(page, "early_stopping_patience").set_value("3").run()
    assert yaml.safe_load(text(page).value)["early_stopping_patience"] == 3
    setting(page, "early_stopping_patience").set_value("off").run()
    assert "early_stopping_patience" not in yaml.safe_load(text(page).value)
    assert not page.error


def test_the_former_name_of_a_setting_is_read(page):
    page.run()
    text(page).set_value("choose_by: rmse").run()
    assert setting(page, "monitor").value == "rmse"
    assert any("called monitor now" in toast.value.replace("\\", "") for toast in page.toast)


def test_memory_is_compared_with_that_of_the_card_the_run_will_get(page, monkeypatch):
    cards = [Gpu(0, "NVIDIA Tiny", "1", 2**20)]
    monkeypatch.setattr(train_page, "gpus", lambda: cards)
    page.run()
    assert "but the NVIDIA Tiny has 0.0 GiB. It may not fit" in page.warning[0].value
    cards[0] = Gpu(0, "NVIDIA Huge", "1", 80 * 2**30)
    page.run()
    assert not page.warning
    assert any("; the NVIDIA Huge has 80.0 GiB." in caption.value for caption in page.caption)


def test_a_newcomer_can_start_at_once(page):
    page.run()
    assert not page.exception
    assert not page.error
    assert "Memory: about" in " ".join(caption.value for caption in page.caption)
    button(page, "Start now").click().run()
    (run,) = launched()
    assert run.state == State.QUEUED
    assert run.immediate
    expected = TrainingConfig().with_settings(PRESETS["quick-look"]).as_dict()
    assert {**run.settings, "output": ""} == {**expected, "output": ""}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_fills_the_form_and_its_text(page, name):
    page.run()
    page.segmented_control(key="train-preset").set_value(name).run()
    assert not page.exception
    assert not page.error
    said = TrainingConfig().with_settings(yaml.safe_load(text(page).value))
    expected = TrainingConfig().with_settings(PRESETS[name])
    assert set(said.differences(expected)) <= {"output"}
    assert setting(page, "max_steps").value == str(expected.max_steps)


def test_a_field_changes_the_text(page):
    page.run()
    setting(page, "learning_rate").set_value("3e-4").run()
    assert yaml.safe_load(text(page).value)["learning_rate"] == 3e-4
    assert not page.error


def test_the_text_changes_the_fields(page):
    page.run()
    text(page).set_value("train: mine\nval: mine\nmax_steps: 7\ncrops: [32, 48]\n").run()
    assert not page.error
    assert setting(page, "max_steps").value == "7"
    assert setting(page, "crops").value == "32, 48"
    assert setting(page, "train").value == "mine"
    assert setting(page, "hidden_size").value == "128", "what isn't named has its default"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("learning_rate", "fast", "learning_rate is 'fast'; it must be a number"),
        ("learning_rate", "7", "learning_rate is 7.0; it must lie between"),
        ("max_steps", "1.5", "max_steps is '1.5'; it must be a whole number"),
        ("crops", "", "crops"),
    ],
)
def test_a_wrong_value_is_said_and_nothing_can_be_started(page, name, value, said):
    page.run()
    setting(page, name).set_value(value).run()
    assert said in errors(page)
    assert button(page, "Start now").disabled
    assert setting(page, name).value == value, "what was typed stays, to be mended"


def test_a_reload_finds_the_form_as_it_was(page):
    page.run()
    setting(page, "learning_rate").set_value("0.0123").run()
    told = page.query_params
    assert "quick-look" in told["preset"] and "0.0123" in str(told["settings"])
    again = AppTest.from_file("../../pages/train.py", default_timeout=120)
    again.query_params["preset"] = told["preset"]
    again.query_params["settings"] = told["settings"]
    again.run()
    assert setting(again, "learning_rate").value == "0.0123"
    assert setting(again, "layers").value == str(PRESETS["quick-look"]["layers"])
    wrong = AppTest.from_file("../../pages/train.py", default_timeout=120)
    wrong.query_params["settings"] = '{"learning_rate": [[[]]]}'
    wrong.run()
    assert not wrong.exception and "begins anew" in wrong.toast[0].value


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("learning_rte: 1", "There is no setting 'learning_rte'"),
        ("- a\n- b", "holds no settings"),
        ("a: [1", "This is no YAML"),
        ("max_steps: never", "max_steps is 'never'"),
    ],
)
def test_wrong_yaml_is_said_in_a_sentence(page, content, said):
    page.run()
    text(page).set_value(content).run()
    assert said in errors(page)
    assert not page.exception
    assert button(page, "Start now").disabled


def test_a_run_is_named_tagged_and_queued(page):
    page.run()
    page.text_input(key="train-name").set_value("my run")
    page.text_input(key="train-tags").set_value("first, tiny")
    button(page, "Queue").click().run()
    (run,) = launched()
    assert (run.name, run.tags, run.immediate) == ("my run", ("first", "tiny"), False)


def test_a_sweep_is_queued_as_a_group(page):
    page.run()
    page.text_input(key="train-name").set_value("rates")
    page.text_area(key="train-sweep").set_value("learning_rate=1e-3,3e-4\nseed: 0; 1; 2").run()
    button(page, "Queue 6 runs").click().run()
    runs = launched()
    assert {run.group for run in runs} == {"rates"}
    assert len({(run.config.learning_rate, run.config.seed) for run in runs}) == 6


def test_a_wrong_sweep_is_said(page):
    page.run()
    page.text_area(key="train-sweep").set_value("learning_rate: fast").run()
    assert "learning_rate is 'fast'" in errors(page)


def test_a_run_is_duplicated_with_its_own_settings(page):
    with RunStore() as store:
        config = TrainingConfig().with_settings({"max_steps": 321, "crops": (48,)})
        run = store.add(config, name="first")
    page.session_state["train-from"] = run.id
    page.run()
    assert setting(page, "max_steps").value == "321"
    assert setting(page, "crops").value == "48"
    assert page.text_input(key="train-name").value == "first again"


def test_what_prevents_a_start_is_said(page, monkeypatch):
    def refuse(*_, **__):
        raise RunError("The disk is full; free some space.")

    page.run()
    monkeypatch.setattr(operations, "launch", refuse)
    button(page, "Start now").click().run()
    assert "The disk is full" in errors(page)


def test_the_time_is_told_from_an_earlier_run_like_it(page):
    import time

    with RunStore() as store:
        run = store.add(TrainingConfig().with_settings(PRESETS["quick-look"]))
        store.change_state(run.id, State.STARTING)
        store.change_state(run.id, State.RUNNING)
        now = time.time() + 1
        store.log_many(run.id, [(n, n / 9, now + 0.5 * n, {"loss": 1.0}) for n in range(1, 20)])
    page.run()
    captions = " ".join(caption.value for caption in page.caption)
    assert "Time: about 5 min 0 s for 600 steps" in captions
