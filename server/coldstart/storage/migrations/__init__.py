"""How the database came to be as it is: one module a revision, each after the one before.

They are imported and listed here, not found by path as alembic's own command does it: an image holds no sources.
A new one is a module with `revision`, `down_revision` and `upgrade(op)`, and a line here.
"""

from types import ModuleType

from coldstart.storage.migrations import r0001_interviews

# Oldest first.
REVISIONS: tuple[ModuleType, ...] = (r0001_interviews,)
