"""Tables of the interviews, brought up to date ahead of a start."""

from coldstart.runtime.settings import Settings
from coldstart.storage.database import database_url_of, engine_of, migrate


def migrate_database(settings: Settings) -> None:
    """As every start does it.

    Raises:
        ConfigurationError: the database cannot be reached, may not be changed, or is newer than this code.
    """
    engine = engine_of(database_url_of(settings))
    try:
        migrate(engine)
    finally:
        engine.dispose()
