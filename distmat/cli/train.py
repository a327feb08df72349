"""`distmat train`: one training run, here and now."""

import argparse
import json
import sys
from pathlib import Path

from distmat.errors import ConfigError


def add_train(commands) -> None:
    """The command `distmat train`."""
    command = commands.add_parser(
        "train",
        help="train a model on a dataset",
        description="Train the built-in encoder and the pair head; Ctrl-C stops with a "
        "checkpoint, --resume goes on from it.",
    )
    command.add_argument("--config", type=Path, metavar="FILE", help="settings as YAML or JSON")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change one setting; may be repeated",
    )
    command.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    command.add_argument("--show", action="store_true", help="print the settings and stop")
    command.add_argument("--json", action="store_true", help="print the final scores as JSON")
    command.set_defaults(run=_train)


def _train(options: argparse.Namespace) -> None:
    from distmat.training.config import TrainingConfig, read_config

    config = read_config(options.config) if options.config else TrainingConfig()
    settings = {}
    for text in options.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--set got '{text}'; write NAME=VALUE, such as learning_rate=2e-4.")
        settings[name.strip()] = value.strip()
    config = config.with_settings(settings)
    if options.show:
        print(json.dumps(config.as_dict(), indent=2))
        return
    from distmat.training.trainer import train

    result = train(config, options.resume, lambda text: print(text, file=sys.stderr, flush=True))
    if result is None:
        return
    content = result.as_dict()
    if options.json:
        print(json.dumps(content, indent=2))
        return
    model, baseline = content["model"], content["baseline"]
    print(
        f"On {content['chains']} validation chains: MAE {model['mae']:.2f} Å (separation only "
        f"{baseline['mae']:.2f}), RMSE {model['rmse']:.2f} Å ({baseline['rmse']:.2f}), "
        f"r {model['pearson']:.3f} ({baseline['pearson']:.3f}).\nWritten to {config.output}."
    )
