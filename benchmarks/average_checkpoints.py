"""Average the weights of checkpoints of one training, and calibrate the result on validation.

    python benchmarks/average_checkpoints.py FOLDER... --config training_config.json --out DIR

Checkpoints along one training lie in one valley of the loss, and their mean lies lower in it
than any of them (Izmailov et al., "Averaging weights leads to wider optima", UAI 2018).
Prints the mean's scores on all validation chains of the config.
"""

import argparse
import json
import sys
from pathlib import Path

from distmat.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from distmat.model.predictor import Predictor
from distmat.training.config import read_config
from distmat.training.evaluation import evaluate
from distmat.training.trainer import calibrate, chosen_chains


def main() -> None:
    """Parse, average, score, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    config = read_config(options.config)
    checkpoints = [load_checkpoint(folder) for folder in options.folders]
    states = [checkpoint.network.state_dict() for checkpoint in checkpoints]
    network = checkpoints[0].network
    network.load_state_dict({k: sum(s[k] for s in states) / len(states) for k in states[0]})
    validation = chosen_chains(config, "val").representatives()
    validation = validation.no_longer_than(config.evaluation_max_length)
    predictor = Predictor(Checkpoint(network, checkpoints[0].baseline))
    result = evaluate(
        predictor,
        validation.chains,
        lambda done, total: print(f"\r{done}/{total}", end="", file=sys.stderr),
    )
    print(json.dumps(result.as_dict(), indent=2))
    trained_on = checkpoints[0].trained_on | {"averaged": len(checkpoints)}
    calibration = calibrate(predictor, validation)
    save_checkpoint(
        Checkpoint(network, checkpoints[0].baseline, calibration, trained_on), options.out
    )


if __name__ == "__main__":
    main()
