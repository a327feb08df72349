"""What can go wrong because of something a person gave us.

    DistmatError
    ├── SequenceError      a sequence that is no protein, or is too short or too long
    │   └── NucleotideError    one that is DNA or RNA, unless a person says that it isn't
    ├── StructureError     a structure file that can't be read or holds no protein chain
    ├── DistanceMapError   an array that is no distance map
    │   ├── MapOptionError     one that can be read once a person says how
    │   └── MapChoiceError     a file of several, of which a person has to choose one
    ├── DatasetError       a dataset that is missing, unreadable or lacks a column
    ├── ConfigError        a setting outside its range, or one that doesn't exist
    ├── CheckpointError    a checkpoint that is missing, incomplete or of another kind
    ├── HubError           what the model hub hasn't, or doesn't let us have
    ├── RunError           a training run that can't start or go on
    ├── AccessError        something that this server lets nobody do
    └── ReportError        a report that can't be written here

The message is one sentence for that person: it names the value and the place, and says
what to do. Pages show it, the command prints it and exits with 2. Any other exception
is a bug of ours.
"""

import errno
from collections.abc import Sequence
from enum import StrEnum


class DistmatError(Exception):
    """Base of all errors that a person can mend; `str(error)` is a sentence to show.

    Parameters
    ----------
    message : str
        What it quotes may hold anything; line breaks, control characters and halves of
        characters in it are shown as what they are, so that it stays one line that any
        terminal, page, log and table takes.
    remedy : Remedy, optional
        What could be done besides what the message says, where that is done differently on a
        page and in the command: each front-end offers it in its own way.
    """

    def __init__(self, message: str = "", remedy: "Remedy | None" = None) -> None:
        super().__init__(one_line(message))
        self.remedy = remedy


class Remedy(StrEnum):
    """What a front-end can offer to a person who met an error."""

    ACCEPT_CHANGED_DATA = "accept-changed-data"
    """Go on, though the chains aren't those of before."""
    NEWEST = "newest"
    """Go on from the newest checkpoint that is whole."""
    RESUME = "resume"
    """Go on with the run that is there already."""
    OVERWRITE = "overwrite"
    """Replace the dataset that is there already."""
    ONE_PROCESS = "one-process"
    """Do the same with a single process, which takes less memory."""
    REBUILD = "rebuild"
    """Make the store of jobs anew from what lies in their folders."""


def one_line(text: str) -> str:
    """A text in one line that can be printed, stored and sent."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else " " if letter.isspace() else ascii(letter)[1:-1]
        for letter in text
    )


_DISK = {
    errno.ENOSPC: "free some space, or choose a place on another disk",
    errno.EDQUOT: "free some space, or choose a place on another disk",
    errno.EROFS: "choose a place that can be written, for the workspace by DISTMAT_HOME",
    errno.EACCES: "check its permissions, or choose another place",
    errno.EPERM: "check its permissions, or choose another place",
}
"""What helps where the system doesn't let us read or write."""


def is_of_the_disk(error: BaseException) -> bool:
    """Whether the disk, or who may use it, is the cause: a person can mend that."""
    return isinstance(error, OSError) and error.errno in _DISK


def system_sentence(error: OSError) -> str:
    """What the system says, where, and what helps if that is known."""
    place = f" ({error.filename})" if error.filename else ""
    advice = f"; {_DISK[error.errno]}" if error.errno in _DISK else ""
    return one_line(f"{error.strerror or error}{place}{advice}.")


class SequenceError(DistmatError):
    """A sequence that is no protein, or is too short or too long."""


class NucleotideError(SequenceError):
    """A sequence of nucleotides' letters alone; who knows that it is a protein's can say so."""


class StructureError(DistmatError):
    """A structure file that can't be read or holds no protein chain."""


class DistanceMapError(DistmatError):
    """An array that is no distance map."""


class KeptFileError(DistmatError):
    """A file that isn't kept any more."""


class MapOptionError(DistanceMapError):
    """A map that can be read once a person says how; each front-end words it as its own option.

    Parameters
    ----------
    fault : str
        A sentence up to what to give.
    option : str
        The parameter of `distmat.reconstruct` that settles it.
    value : object
    """

    def __init__(self, fault: str, option: str, value: object) -> None:
        super().__init__(f"{fault} give {option}={value!r}.")
        self.fault, self.option, self.value = fault, option, value


class MapChoiceError(DistanceMapError):
    """A file with several maps, of which a person has to choose one.

    Parameters
    ----------
    name : str
        Of the file.
    arrays : sequence of str
        Their names.
    """

    def __init__(self, name: str, arrays: Sequence[str]) -> None:
        super().__init__(
            f"{name} holds {len(arrays)} maps ({', '.join(arrays)}); say which one to read."
        )
        self.arrays = tuple(arrays)


class DatasetError(DistmatError):
    """A dataset that is missing, unreadable or lacks a column."""


class ConfigError(DistmatError):
    """A setting outside its range, or one that doesn't exist."""


class CheckpointError(DistmatError):
    """A checkpoint that is missing, incomplete or of another kind."""


class HubError(DistmatError):
    """Something that the model hub hasn't, doesn't take, or doesn't let us have."""


class RunError(DistmatError):
    """A training run that can't start or go on."""


class AccessError(DistmatError):
    """Something that this server lets nobody do."""


class ReportError(DistmatError):
    """A report that can't be written here."""


class DivergedError(RunError):
    """A training run whose loss became NaN, or ran away."""


class OutOfMemoryError(RunError):
    """A training run that needs more memory than there is."""
