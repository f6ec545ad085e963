"""The tables of interviews and of their jobs, brought up to date ahead of a start."""

from coldstart.runtime.settings import Settings
from coldstart.storage.database import database_url_of, engine_of, migrate, when_reachable
from coldstart.storage.jobs import jobs_url_of, migrate_jobs


def migrate_database(settings: Settings, *, patience_s: float = 0.0) -> None:
    """As every start does it.

    Args:
        settings: where the database is.
        patience_s: for which a database is waited for that cannot be reached.

    Raises:
        ConfigurationError: the database could not be reached, may not be changed, or is newer than this code.
    """
    url = database_url_of(settings)
    engine = engine_of(url)

    def migrate_both() -> None:
        migrate(engine)
        migrate_jobs(jobs_url_of(url))

    try:
        when_reachable(engine.url, migrate_both, patience_s=patience_s)
    finally:
        engine.dispose()
