"""The server's checkpoints and its store in SQLite files, each change on disk before the run goes on.

`langgraph dev` by itself keeps checkpoints in memory and writes them out now and then: what a ``kill -9`` leaves is a run that begins
anew. A licensed server and Aegra bring Postgres instead and need none of this.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.store.sqlite.aio import AsyncSqliteStore

FOLDER_VARIABLE = "GOME_SERVER_DATA"
"""Where the two files are; ``.gome-server`` in the working directory where it is not set."""


def data_folder() -> Path:
    """The folder of `FOLDER_VARIABLE`, made if need be."""
    folder = Path(os.environ.get(FOLDER_VARIABLE) or ".gome-server")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@asynccontextmanager
async def checkpointer() -> AsyncIterator[AsyncSqliteSaver]:
    """What ``langgraph.json`` names as ``checkpointer``."""
    async with AsyncSqliteSaver.from_conn_string(str(data_folder() / "checkpoints.sqlite")) as saver:
        await _durable(saver.conn)
        await saver.setup()
        yield saver


@asynccontextmanager
async def store() -> AsyncIterator[AsyncSqliteStore]:
    """What ``langgraph.json`` names as ``store``."""
    async with AsyncSqliteStore.from_conn_string(str(data_folder() / "store.sqlite")) as kept:
        await kept.setup()
        yield kept


async def _durable(connection: aiosqlite.Connection) -> None:
    """Readers do not hold up the writer, and a writer waits for another instead of failing."""
    await connection.execute("PRAGMA journal_mode=WAL")
    await connection.execute("PRAGMA busy_timeout=10000")
