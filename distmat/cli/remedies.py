"""What the command offers to a person who met an error."""

from distmat.errors import DistmatError, Remedy

WORDS: dict[Remedy, str] = {
    Remedy.ACCEPT_CHANGED_DATA: "Or go on with --accept-changed-data.",
    Remedy.NEWEST: "Or give --resume alone for the newest that is whole.",
    Remedy.RESUME: "Or resume it with --resume.",
    Remedy.OVERWRITE: "Or replace it with --overwrite.",
    Remedy.REBUILD: "Type 'distmat runs rebuild': it makes the list anew from the jobs' folders.",
    Remedy.ONE_PROCESS: "Give it --workers 1.",
}


def sentence(error: DistmatError) -> str:
    """What went wrong, and what can be typed about it."""
    return f"{error} {WORDS[error.remedy]}" if error.remedy else str(error)
