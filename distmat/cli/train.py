"""`distmat train`: one training run, here and now."""

import argparse
import os
import sys
from pathlib import Path

from distmat.cli.background import add_background_options, job_options
from distmat.errors import ConfigError, RunError


def add_train(commands) -> None:
    """The command `distmat train`."""
    command = commands.add_parser(
        "train",
        help="train a model on a dataset",
        description="Train a model; Ctrl-C stops with a checkpoint, --resume goes on from it. "
        "Under 'torchrun --nproc-per-node N -m distmat.cli train …' several processes share the "
        "run.",
    )
    command.add_argument("--preset", metavar="NAME", help="settings to begin with; see --presets")
    command.add_argument("--config", type=Path, metavar="FILE", help="settings as YAML or JSON")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change one setting; may be repeated",
    )
    command.add_argument(
        "--resume",
        nargs="?",
        const=True,
        default=False,
        metavar="CHECKPOINT",
        help="go on from the last checkpoint of the output folder, or from this one",
    )
    command.add_argument(
        "--accept-changed-data",
        action="store_true",
        help="resume even if the chains aren't those the checkpoint was trained with",
    )
    command.add_argument(
        "--show",
        nargs="?",
        const="json",
        choices=("json", "yaml"),
        help="print the settings as a file for --config and stop",
    )
    command.add_argument("--presets", action="store_true", help="list the presets and stop")
    command.add_argument("--settings", action="store_true", help="explain every setting and stop")
    command.add_argument(
        "--schema",
        action="store_true",
        help="print a JSON schema of the settings, with which an editor completes them, and stop",
    )
    command.add_argument("--json", action="store_true", help="print the results as JSON")
    add_background_options(command)
    command.set_defaults(run=_train)


def _train(options: argparse.Namespace) -> None:
    from distmat.training.config import config_text

    if options.presets or options.settings or options.schema:
        print(_presets() if options.presets else _schema() if options.schema else _settings())
        return
    config = _config(options)
    if options.show:
        print(config_text(config, options.show), end="")
        return
    wanted = job_options(options)
    if options.background:
        from distmat.cli.runs import launch

        launch(config, options, wanted)
        return
    from distmat.training.run_folder import check_inputs

    check_inputs(config)
    from distmat.training.trainer import train

    try:
        result = train(
            config,
            options.resume,
            lambda text: print(text, file=sys.stderr, flush=True),
            accept_changed_data=options.accept_changed_data,
        )
    # A full disk comes in many classes; what isn't known is a bug, and goes on as it is.
    except Exception as error:
        from distmat.jobs.exit_reason import classify_error
        from distmat.jobs.states import Cause
        from distmat.runs.worker import TRAINING_JOB

        cause, sentence = classify_error(error, Path(config.output), TRAINING_JOB.advice)
        if cause is Cause.BUG:
            raise
        raise RunError(sentence) from error
    if result is None or os.environ.get("RANK", "0") != "0":
        return
    content = result.as_dict()
    if options.json:
        import json

        print(json.dumps(content, indent=2))
        return
    model, baseline = content["model"], content["baseline"]
    print(
        f"On {content['chains']} validation chains: MAE {model['mae']:.2f} Å (separation only "
        f"{baseline['mae']:.2f}), RMSE {model['rmse']:.2f} Å ({baseline['rmse']:.2f}), "
        f"r {model['pearson']:.3f} ({baseline['pearson']:.3f}).\nWritten to {config.output}."
    )


def _config(options: argparse.Namespace):
    """The preset's settings, then the file's, then those of the command line."""
    from distmat.training.config import TrainingConfig, read_settings
    from distmat.training.presets import preset

    config = preset(options.preset) if options.preset else TrainingConfig()
    if options.config:
        config = config.with_settings(read_settings(options.config), _note)
    settings = {}
    for text in options.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--set got '{text}'; write NAME=VALUE, such as learning_rate=2e-4.")
        settings[name.strip()] = value.strip()
    return config.with_settings(settings, _note)


def _note(text: str) -> None:
    print(f"distmat: {text}", file=sys.stderr)


def _presets() -> str:
    from distmat.training.presets import SUMMARIES

    return "\n".join(f"{name:18}{summary}" for name, summary in SUMMARIES.items())


def _schema() -> str:
    import json

    from distmat.settings import json_schema
    from distmat.training.config import TrainingConfig

    return json.dumps(json_schema(TrainingConfig, "distmat training settings"), indent=2)


def _settings() -> str:
    from distmat.settings import groups
    from distmat.training.config import TrainingConfig, settings

    lines = []
    for title, names in groups(TrainingConfig).items():
        lines.append(f"{title}:")
        for one in (settings()[name] for name in names):
            limits = f"; {one.range}" if one.range else ""
            choices = "; " + ", ".join(one.choices) if one.choices else ""
            words = "".join(f"; or '{word}'" for word in one.words)
            lines.append(f"  {one.name}={one.show(one.default)}  ({one.label})")
            lines.append(f"      {one.help.rstrip('.')}{limits}{choices}{words}.")
    return "\n".join(lines)
