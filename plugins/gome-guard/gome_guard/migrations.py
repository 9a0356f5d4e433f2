"""The bank's schema, version by version. A version that was released is never changed; changes are a new one at the end."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE feedback (id TEXT PRIMARY KEY, record TEXT NOT NULL)",
        "CREATE TABLE incidents (id TEXT PRIMARY KEY, record TEXT NOT NULL)",
        "CREATE TABLE samples (id TEXT PRIMARY KEY, part TEXT NOT NULL, status TEXT NOT NULL, cluster TEXT NOT NULL, record TEXT NOT NULL)",
        "CREATE TABLE events (seq INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, detail TEXT NOT NULL, "
        "before TEXT NOT NULL, hash TEXT NOT NULL)",
    ),
    (
        "CREATE TABLE verdicts (id TEXT PRIMARY KEY, record TEXT NOT NULL)",
        "CREATE INDEX samples_by_part ON samples (part, status)",
    ),
    ("CREATE TABLE cases (id TEXT PRIMARY KEY, record TEXT NOT NULL)",),
)
