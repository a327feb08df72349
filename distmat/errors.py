"""What can go wrong because of something a person gave us.

    DistmatError
    ├── SequenceError      a sequence that is no protein, or is too short or too long
    │   └── NucleotideError    one that is DNA or RNA, unless a person says that it isn't
    ├── StructureError     a structure file that can't be read or holds no protein chain
    ├── DistanceMapError   an array that is no distance map
    ├── DatasetError       a dataset that is missing, unreadable or lacks a column
    ├── ConfigError        a setting outside its range, or one that doesn't exist
    ├── CheckpointError    a checkpoint that is missing, incomplete or of another kind
    ├── RunError           a training run that can't start or go on
    └── ReportError        a report that can't be written here

The message is one sentence for that person: it names the value and the place, and says
what to do. Pages show it, the command prints it and exits with 2. Any other exception
is a bug of ours.
"""


class DistmatError(Exception):
    """Base of all errors that a person can mend; `str(error)` is a sentence to show."""


class SequenceError(DistmatError):
    """A sequence that is no protein, or is too short or too long."""


class NucleotideError(SequenceError):
    """A sequence of nucleotides' letters alone; who knows that it is a protein's can say so."""


class StructureError(DistmatError):
    """A structure file that can't be read or holds no protein chain."""


class DistanceMapError(DistmatError):
    """An array that is no distance map."""


class DatasetError(DistmatError):
    """A dataset that is missing, unreadable or lacks a column."""


class ConfigError(DistmatError):
    """A setting outside its range, or one that doesn't exist."""


class CheckpointError(DistmatError):
    """A checkpoint that is missing, incomplete or of another kind."""


class RunError(DistmatError):
    """A training run that can't start or go on."""


class ReportError(DistmatError):
    """A report that can't be written here."""


class DivergedError(RunError):
    """A training run whose loss became NaN, or ran away."""


class OutOfMemoryError(RunError):
    """A training run that needs more memory than there is."""
