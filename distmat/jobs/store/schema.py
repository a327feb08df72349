"""Tables of the store, and the steps from each version of them to the next."""

MIGRATIONS: tuple[str, ...] = (
    # 1: the first.
    """
    CREATE TABLE runs (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        group_name TEXT NOT NULL DEFAULT '',
        tags TEXT NOT NULL DEFAULT '[]',
        notes TEXT NOT NULL DEFAULT '',
        settings TEXT NOT NULL,
        backend TEXT NOT NULL,
        backend_settings TEXT NOT NULL DEFAULT '{}',
        directory TEXT NOT NULL,
        origin TEXT NOT NULL DEFAULT '',
        webhook TEXT NOT NULL DEFAULT '',
        notified INTEGER NOT NULL DEFAULT 0,
        immediate INTEGER NOT NULL DEFAULT 0,
        state TEXT NOT NULL,
        cause TEXT NOT NULL DEFAULT '',
        cause_kind TEXT NOT NULL DEFAULT '',
        created REAL NOT NULL,
        started REAL,
        ended REAL,
        attempt INTEGER NOT NULL DEFAULT 0,
        attempt_started REAL,
        earlier_seconds REAL NOT NULL DEFAULT 0,
        position REAL NOT NULL,
        pid INTEGER,
        pid_created REAL,
        host TEXT NOT NULL DEFAULT '',
        job TEXT NOT NULL DEFAULT '',
        devices TEXT NOT NULL DEFAULT '[]',
        stop_asked REAL,
        kill_at REAL,
        facts TEXT NOT NULL DEFAULT '{}',
        environment TEXT NOT NULL DEFAULT '{}'
    );
    CREATE INDEX runs_by_state ON runs (state, position);
    CREATE INDEX runs_by_group ON runs (group_name);

    -- Hardware samples live in the same tables as metrics, under the run's negative key, with
    -- whole seconds since the run was made in place of steps.
    CREATE TABLE progress (
        run INTEGER PRIMARY KEY,
        step INTEGER NOT NULL DEFAULT 0,
        epoch REAL NOT NULL DEFAULT 0,
        total_steps INTEGER,
        metrics TEXT NOT NULL DEFAULT '{}',
        summarised INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE steps (
        run INTEGER NOT NULL,
        step INTEGER NOT NULL,
        epoch REAL NOT NULL,
        time REAL NOT NULL,
        PRIMARY KEY (run, step)
    ) WITHOUT ROWID;
    CREATE TABLE names (
        name INTEGER PRIMARY KEY,
        text TEXT NOT NULL UNIQUE
    );
    -- A NaN is a NULL here: SQLite has none.
    CREATE TABLE metrics (
        run INTEGER NOT NULL,
        name INTEGER NOT NULL,
        step INTEGER NOT NULL,
        value REAL,
        PRIMARY KEY (run, name, step)
    ) WITHOUT ROWID;
    CREATE INDEX metrics_not_a_number ON metrics (run, name, step) WHERE value IS NULL;
    -- Lowest and highest point of each stretch of 8^level steps up to progress.summarised.
    CREATE TABLE summaries (
        run INTEGER NOT NULL,
        name INTEGER NOT NULL,
        level INTEGER NOT NULL,
        stretch INTEGER NOT NULL,
        low_step INTEGER NOT NULL,
        low REAL,
        high_step INTEGER NOT NULL,
        high REAL,
        PRIMARY KEY (run, name, level, stretch)
    ) WITHOUT ROWID;

    CREATE TABLE checkpoints (
        run INTEGER NOT NULL,
        step INTEGER NOT NULL,
        folder TEXT NOT NULL,
        time REAL NOT NULL,
        PRIMARY KEY (run, folder)
    ) WITHOUT ROWID;
    CREATE TABLE events (
        event INTEGER PRIMARY KEY,
        run INTEGER NOT NULL,
        time REAL NOT NULL,
        kind TEXT NOT NULL,
        text TEXT NOT NULL
    );
    CREATE INDEX events_by_run ON events (run, event);
    CREATE TABLE queue (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        paused INTEGER NOT NULL DEFAULT 0
    );
    INSERT INTO queue (one) VALUES (1);
    """,
    # 2: runs on a cluster tell by a journal.
    """
    ALTER TABLE runs ADD COLUMN journal_read INTEGER NOT NULL DEFAULT 0;
    """,
    # 3: the number of a deleted run isn't given to another.
    """
    ALTER TABLE queue ADD COLUMN last_key INTEGER NOT NULL DEFAULT 0;
    UPDATE queue SET last_key = (SELECT coalesce(max(key), 0) FROM runs);
    """,
    # 4: runs are jobs of one kind, and there are others.
    """
    ALTER TABLE runs ADD COLUMN kind TEXT NOT NULL DEFAULT 'training';
    """,
    # 5: jobs belong to who logged in.
    """
    ALTER TABLE runs ADD COLUMN owner TEXT NOT NULL DEFAULT '';
    """,
)
"""Applied in order; the database's user_version says how many it has seen."""
