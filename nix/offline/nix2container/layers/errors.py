"""The one failure of this package."""


class LayersError(Exception):
    """Work cannot be done as asked.

    The message is one sentence with the value met and the value wanted; nothing half-written is left behind.
    """
