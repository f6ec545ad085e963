"""The tables of interviews and of their jobs, brought up to date ahead of a start."""

from coldstart.runtime.settings import Settings
from coldstart.storage.database import database_url_of, engine_of, migrate
from coldstart.storage.jobs import jobs_url_of, migrate_jobs


def migrate_database(settings: Settings) -> None:
    """As every start does it.

    Raises:
        ConfigurationError: the database cannot be reached, may not be changed, or is newer than this code.
    """
    url = database_url_of(settings)
    engine = engine_of(url)
    try:
        migrate(engine)
    finally:
        engine.dispose()
    migrate_jobs(jobs_url_of(url))
