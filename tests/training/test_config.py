"""The settings of a run."""

import json
from dataclasses import dataclass

import jsonschema
import pytest

from distmat.errors import ConfigError
from distmat.settings import describe, groups, json_schema, names_with_mark, setting
from distmat.training.config import (
    PACE,
    SHAPE,
    TrainingConfig,
    config_text,
    read_config,
    settings,
)
from distmat.training.presets import PRESETS, preset


def test_a_config_comes_back_from_json_and_yaml_as_it_was(tmp_path):
    config = TrainingConfig(learning_rate=2e-4, crops=(64, 128), train="a.parquet")
    (tmp_path / "config.json").write_text(json.dumps(config.as_dict()))
    assert read_config(tmp_path / "config.json") == config
    (tmp_path / "config.yaml").write_text("learning_rate: 2e-4\ncrops: [64, 128]\ntrain: a.parquet")
    assert read_config(tmp_path / "config.yaml") == config
    for kind in ("json", "yaml"):
        (tmp_path / "again").write_text(config_text(config, kind))
        assert read_config(tmp_path / "again") == config


def test_text_from_the_command_line_is_read_as_the_fields_type():
    config = TrainingConfig().with_settings(
        {"max_steps": "1e3", "dropout": "0.2", "dilations": "1,2,4", "seed": 7}
    )
    assert (config.max_steps, config.dropout, config.dilations, config.seed) == (
        1000,
        0.2,
        (1, 2, 4),
        7,
    )


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"learning_rate": "2"}, "learning_rate is 2.0; it must lie between 1e-08 and 1"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'; it must be a number"),
        ({"learning_rate": "nan"}, "learning_rate is nan"),
        ({"max_steps": "1.5"}, "max_steps is '1.5'; it must be a whole number"),
        ({"max_steps": "inf"}, "max_steps is 'inf'"),
        ({"max_steps": True}, "max_steps is True"),
        ({"crops": "96,x"}, "crops is 'x'"),
        ({"crops": "8"}, "crops is 8; it must lie between 16 and 1024"),
        ({"crops": []}, "crops is empty"),
        ({"train": 3}, "train is 3; it must be a text"),
        ({"attention_heads": 3}, "hidden_size is 128, which 3 attention heads don't divide"),
        ({"schedule": "wavy"}, "schedule is 'wavy'; it must be cosine, linear or constant"),
        ({"mode": "half"}, "mode is 'half'; it must be full, lora or frozen"),
        ({"precision": "int8"}, "precision is 'int8'; it must be auto, bf16, fp16 or fp32"),
        ({"bidirectional": "maybe"}, "bidirectional is 'maybe'; it must be true or false"),
        ({"use_4bit": 1}, "use_4bit is 1; it must be true or false"),
        ({"lora_rank": "0"}, "lora_rank is 0; it must lie between 1 and 1024"),
        ({"use_4bit": True}, "use_4bit is true, but weights held in 4 bits can't be trained"),
        ({"loss": "fape"}, "the head 'pair' doesn't have; it must be distogram, log_mse"),
        ({"band_weights": "1,2"}, "band_weights is 1,2; give four numbers"),
        ({"band_weights": "0,0,0,0"}, "band_weights is 0,0,0,0; give four numbers, not all 0"),
        ({"pad_to": 100}, "pad_to is 100, shorter than the longest crop of 192 residues"),
        ({"head": "placeholder"}, "evaluation_max_length is 256, but the head 'placeholder'"),
        ({"report_to": "wandb,excel"}, "report_to is 'wandb,excel'; it must be none, or of"),
        ({"train": " "}, "train is empty; give a name or a path"),
        ({"zzz": 1}, "There is no setting 'zzz'; 'distmat train --settings' lists them."),
        ({"pad_to": "far"}, "pad_to is 'far'; it must be a whole number, or 'off'"),
        ({"learning_rat": 1}, "There is no setting 'learning_rat'; did you mean 'learning_rate'?"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_what_would_be_right(setting, words):
    with pytest.raises(ConfigError) as error:
        TrainingConfig().with_settings(setting)
    assert words in str(error.value)


@pytest.mark.parametrize("content", ["", "just text", "a: [", "- 1\n- 2"])
def test_a_file_that_holds_no_settings_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "config.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"config\.yaml"):
        read_config(path)


def test_a_missing_file_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="There is no config at"):
        read_config(tmp_path / "none.yaml")


def test_every_setting_is_described_for_forms_and_help():
    described = settings()
    assert list(described) == list(TrainingConfig().as_dict())
    for name, one in described.items():
        assert one.help.endswith(".") and one.default == getattr(TrainingConfig(), name)
        numeric = one.kind in (int, float) or name in ("crops", "dilations", "band_weights")
        assert (one.low is not None) == numeric
    assert described["mode"].choices == ("full", "lora", "frozen")
    assert (described["lora_rank"].low, described["lora_rank"].high) == (1, 1024)


def test_settings_are_read_by_the_names_they_once_had_with_a_note():
    former = {
        "start": "mini",
        "choose_by": "rmse",
        "early_stop": "3",
        "chains": "some.csv",
        "longest_chain": 300,
    }
    notes = []
    config = TrainingConfig().with_settings(former, notes.append)
    assert (config.init_from, config.monitor, config.early_stopping_patience) == ("mini", "rmse", 3)
    assert (config.chain_list, config.max_chain_length) == ("some.csv", 300)
    assert "The setting choose_by is called monitor now; it was read as that." in notes
    assert len(notes) == 5
    both = TrainingConfig().with_settings({"monitor": "lddt", "choose_by": "rmse"})
    assert both.monitor == "lddt", "today's name wins"


def test_values_that_mean_something_else_than_their_number_have_a_word():
    config = TrainingConfig().with_settings(
        {"early_stopping_patience": "off", "max_chain_length": "No limit", "loss": "the head's own"}
    )
    assert config == TrainingConfig()
    assert settings()["early_stopping_patience"].show(0) == "off"
    assert settings()["early_stopping_patience"].show(5) == "5"


def test_every_value_is_shown_as_it_can_be_read():
    for name, one in settings().items():
        assert one.read(one.show(one.default)) == one.default, name


def test_resume_checks_and_paces_follow_the_declarations():
    assert {"hidden_size", "bins", "optimizer"} < set(names_with_mark(TrainingConfig, SHAPE))
    assert {"crops", "accumulation", "precision"} < set(names_with_mark(TrainingConfig, PACE))
    assert not {"learning_rate", "seed", "output"} & set(names_with_mark(TrainingConfig, PACE))


def test_the_json_schema_lets_pass_what_is_right_and_nothing_else():
    schema = json_schema(TrainingConfig, "settings")
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for name in PRESETS:
        assert validator.is_valid(preset(name).as_dict()), name
    assert validator.is_valid({"choose_by": "mae", "early_stopping_patience": "off"})
    for wrong in ({"learning_rate": 7}, {"mode": "half"}, {"crops": [8]}, {"learning_rat": 1}):
        assert not validator.is_valid(wrong), wrong


def test_a_new_setting_is_declared_once():
    """Form, file, command line, check, schema and help follow from the declaration."""

    @dataclass(frozen=True)
    class Longer(TrainingConfig):
        """One setting more."""

        ripeness: float = setting(0.5, "Ripeness", "Data", low=0, high=1, marks=(PACE,))
        """How ripe chains must be."""

    assert groups(Longer)["Data"][-1] == "ripeness"
    assert "ripeness" in names_with_mark(Longer, PACE)
    assert describe(Longer)["ripeness"].help == "How ripe chains must be."
    assert json_schema(Longer, "")["properties"]["ripeness"]["maximum"] == 1
    assert Longer().with_settings({"ripeness": "0.7"}).as_dict()["ripeness"] == 0.7
    with pytest.raises(ConfigError, match="ripeness is 2; it must lie between 0 and 1"):
        Longer(ripeness=2)


def test_differences_name_what_changed():
    config = TrainingConfig()
    changed = config.with_settings({"seed": 3, "crops": "64"})
    assert config.differences(changed) == {"seed": (0, 3), "crops": ((96, 128, 192), (64,))}
