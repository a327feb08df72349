"""The order in which jobs wait."""

from distmat.access import check_may_change
from distmat.errors import RunError
from distmat.jobs.store.rows import J, Rows


class Queue(Rows[J]):
    """What waits, and whether anything starts."""

    def list_queued(self) -> list[J]:
        """Waiting runs, the next one first."""
        return self._jobs("WHERE state = 'QUEUED' ORDER BY position, key")

    def place(self, job_id: str, index: int) -> None:
        """Give a waiting run another place in the queue, 0 for the front.

        Raises
        ------
        RunError
            If it doesn't wait.
        """
        check_may_change("order the queue")
        with self._db.transaction():
            rows = self._db.rows(
                "SELECT id, key FROM runs WHERE state = 'QUEUED' ORDER BY position, key"
            )
            order = [row["key"] for row in rows if row["id"] != job_id]
            if len(order) == len(rows):
                raise RunError(f"{job_id} isn't in the queue.")
            order.insert(max(0, min(index, len(order))), self._key(job_id))
            self._db.execute_many("UPDATE runs SET position = ? WHERE key = ?", enumerate(order, 1))

    @property
    def paused(self) -> bool:
        """Whether the queue starts nothing for now."""
        return bool(self._db.one("SELECT paused FROM queue")[0])

    def pause(self, paused: bool) -> None:
        """Let the queue start nothing, or go on; what runs goes on in any case."""
        check_may_change("pause the queue")
        with self._db.transaction():
            self._db.execute("UPDATE queue SET paused = ?", (int(paused),))
