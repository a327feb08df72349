"""A sequence's relatives, looked for while something else goes on, as a network that is loaded."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from distmat.library.search import find_templates
from distmat.library.templates import Template

if TYPE_CHECKING:
    from distmat.library.search import Exclusion
    from distmat.library.store import Library
    from distmat.library.training_sequences import Overlap, TrainingSequences
    from distmat.protein.alignment import Alignment


class RelativesSearch:
    """Both searches of one sequence, which go on in threads from now on.

    Parameters
    ----------
    sequence : str
        One letter per residue, checked.
    training : callable
        Gives the chains that the checkpoint was trained on, None where it doesn't tell; called in
        a thread, as it may have to read them.
    library : callable
        Gives the known structures among which templates are looked up, or None; as `training`.
    own : str
        Id whose PDB entry may not serve as a template; empty: none.
    exclude : Exclusion, optional
    alignment : Alignment, optional
        Of the sequence's relatives.
    """

    def __init__(
        self,
        sequence: str,
        training: "Callable[[], TrainingSequences | None]",
        library: "Callable[[], Library | None]",
        own: str = "",
        exclude: "Exclusion | None" = None,
        alignment: "Alignment | None" = None,
    ) -> None:
        self._sequence, self._own, self._exclude = sequence, own, exclude
        self._alignment = alignment
        threads = ThreadPoolExecutor(2, "relatives")
        self._overlap = threads.submit(self._look_up_training, training)
        self._templates = threads.submit(self._look_up_library, library)
        threads.shutdown(wait=False)

    def overlap(self) -> "Overlap | None":
        """What the sequence has to do with the training; waits for it.

        Raises
        ------
        DistmatError
            If the training's chains can't be read, or MMseqs2 fails.
        """
        return self._overlap.result()

    def templates(self) -> tuple[Template, ...]:
        """Known structures laid on the sequence, the surest first; waits for them.

        Raises
        ------
        DatasetError
            If the library can't be read, or MMseqs2 is missing or fails.
        """
        return self._templates.result()

    def _look_up_training(
        self, training: "Callable[[], TrainingSequences | None]"
    ) -> "Overlap | None":
        known = training()
        return None if known is None else known.overlaps([self._sequence])[0]

    def _look_up_library(self, library: "Callable[[], Library | None]") -> tuple[Template, ...]:
        known = library()
        if known is None:
            return ()
        # One query is a second's work; two threads that wait for each other can make it ten.
        (found,) = find_templates(
            known,
            [self._sequence],
            self._exclude,
            [self._own] if self._own else None,
            threads=1,
            alignments=[self._alignment],
        )
        return tuple(found)
