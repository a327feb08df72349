"""The model hub: an address of a repository there, and files that go to it or come from it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from distmat.errors import HubError

PREFIX = "hf://"

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_REVISION = re.compile(r"[A-Za-z0-9][\w./-]{0,199}", re.ASCII)

_WANTED = ("*.json", "*.safetensors", "*.parquet", "*.md", "tokenizer*", "vocab*", "merges*")
"""Files of a model that are fetched: none that could hold code or a pickle."""

T = TypeVar("T")


@dataclass(frozen=True)
class HubAddress:
    """Where something lies on the hub.

    Parameters
    ----------
    repository : str
        ``user/name``.
    revision : str or None
        A branch, a tag or a commit; None for what is newest.
    """

    repository: str
    revision: str | None = None


def is_address(text: str) -> bool:
    """Whether a text is meant as an address of the hub."""
    return text.startswith(PREFIX)


def read_address(text: str) -> HubAddress:
    """An address from a text such as ``hf://user/name`` or ``hf://user/name@v1``.

    Raises
    ------
    HubError
        If it is none.
    """
    repository, at, revision = text.removeprefix(PREFIX).partition("@")
    plain = "--" not in repository and ".." not in repository
    if not plain or not _REPOSITORY.fullmatch(repository):
        raise HubError(f"{text[:200]!r} is no address of the hub; write hf://user/name.")
    if at and (not _REVISION.fullmatch(revision) or ".." in revision):
        raise HubError(
            f"{revision[:200]!r} is no revision; write a branch, a tag or a commit after the @."
        )
    return HubAddress(repository, revision or None)


def fetch(text: str) -> Path:
    """The folder of a model's files, fetched where they aren't in the hub's cache.

    Parameters
    ----------
    text : str
        As for `read_address`.

    Raises
    ------
    HubError
        If the address is none, or the files can't be had.
    """
    from huggingface_hub import snapshot_download

    address = read_address(text)
    return Path(
        _explain_errors(
            address.repository,
            lambda: snapshot_download(
                address.repository, revision=address.revision, allow_patterns=list(_WANTED)
            ),
        )
    )


def send(folder: Path, address: HubAddress, kind: str, message: str, private: bool = True) -> str:
    """Upload a folder to a repository, which is made if it isn't there.

    Parameters
    ----------
    folder : Path
    address : HubAddress
    kind : {'model', 'dataset'}
    message : str
        Of the commit.
    private : bool
        Of a new repository.

    Returns
    -------
    str
        Where it can be looked at.

    Raises
    ------
    HubError
        If the hub can't be reached, or doesn't take it.
    """
    from huggingface_hub import HfApi

    if address.revision:
        raise HubError(
            f"'{address.repository}@{address.revision}' names a revision; push to user/name."
        )
    api = HfApi(library_name="distmat")

    def upload() -> str:
        made = api.create_repo(address.repository, repo_type=kind, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=address.repository, folder_path=folder, repo_type=kind, commit_message=message
        )
        return str(made)

    return _explain_errors(address.repository, upload)


def _explain_errors(repository: str, act: Callable[[], T]) -> T:
    from huggingface_hub import constants, errors

    try:
        return act()
    except errors.LocalTokenNotFoundError:
        raise HubError("The hub doesn't know you; type 'hf auth login', or set HF_TOKEN.") from None
    except errors.RevisionNotFoundError:
        raise HubError(f"{repository} has no such revision on the hub; look at its page.") from None
    except errors.RepositoryNotFoundError:
        raise HubError(
            f"There is no {repository} on the hub that you may see; check the name, or log in by "
            "'hf auth login'."
        ) from None
    except errors.HfHubHTTPError as error:
        raise HubError(f"The hub refused {repository}: {_reason(error)}.") from None
    # Whatever kind of client it is and whatever it lacks; nothing of ours is run here.
    except Exception as error:
        told = " ".join(str(error).split())[:150].rstrip(".") or type(error).__name__
        raise HubError(
            f"{repository} can't be had from {constants.ENDPOINT} ({told}); "
            "check the network and try again, what was fetched is kept."
        ) from None


def _reason(error: Any) -> str:
    status = getattr(getattr(error, "response", None), "status_code", "")
    if status in (401, 403):
        return f"{status}, you may not; type 'hf auth login' with a token that may write"
    told = getattr(error, "server_message", None) or str(error).splitlines()[0]
    return f"{status} {told}".strip()[:200].rstrip(".")
