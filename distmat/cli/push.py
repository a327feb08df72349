"""`distmat push`: a trained model or a dataset to the model hub."""

import argparse

from distmat.errors import ConfigError


def add_push(commands) -> None:
    """The command `distmat push`."""
    command = commands.add_parser(
        "push",
        help="a trained model or a dataset to the model hub, with its card",
        description="Upload the final weights of a run, a checkpoint or a dataset to the hub, "
        "with a card that tells scores, intervals and the baseline. Log in before with 'hf auth "
        "login', or set HF_TOKEN. distmat.load('hf://user/name') opens what was pushed.",
    )
    command.add_argument("what", metavar="RUN", help="a run, checkpoint, folder or dataset")
    command.add_argument("repository", metavar="USER/NAME", help="it is made if it isn't there")
    command.add_argument("--dataset", action="store_true", help="RUN is the name of a dataset")
    command.add_argument(
        "--trained-on",
        action="append",
        default=[],
        metavar="USER/DATA",
        help="a dataset of the hub that the model was trained on; may be given several times",
    )
    command.add_argument(
        "--license", default="other", metavar="NAME", help="as the hub calls it, such as mit"
    )
    command.add_argument(
        "--public", action="store_true", help="make a new repository that everybody sees"
    )
    command.set_defaults(run=_push)


def _push(options: argparse.Namespace) -> None:
    from distmat.sharing.push import push_dataset, push_model

    if options.dataset:
        if options.trained_on:
            raise ConfigError("--trained-on is said of models; leave it or --dataset out.")
        where = push_dataset(
            options.what,
            options.repository,
            license=options.license,
            private=not options.public,
        )
    else:
        where = push_model(
            _final_weights(options.what),
            options.repository,
            datasets=options.trained_on,
            license=options.license,
            private=not options.public,
        )
    print(where)


def _final_weights(name: str) -> str:
    """A run may be named as in `distmat runs list`; anything else stays as it is."""
    from distmat.errors import DistmatError
    from distmat.jobs.store import FILE
    from distmat.runs.store import RunStore
    from distmat.workspace import workspace

    if not (workspace() / FILE).exists():
        return name
    with RunStore() as store:
        try:
            return store.find(name).id
        except DistmatError:
            return name
