"""Every failure that a caller can meet, by what the caller can do about it."""

from collections.abc import Mapping


class ColdstartError(Exception):
    """Base of all errors that the services raise on purpose.

    The message is one sentence with the value met and the value wanted; it may be shown to a caller.
    """


class InvalidInput(ColdstartError):
    """The request can never succeed as it is: change it."""


class NotFound(ColdstartError):
    """The thing named does not exist, or no longer."""


class Conflict(ColdstartError):
    """The thing named is not in a state that allows the request, and repeating it does not help."""


class PayloadTooLarge(ColdstartError):
    """The request is larger than the service accepts."""


class Unavailable(ColdstartError):
    """The request is fine but cannot be served now: try again after `retry_after_s`.

    Args:
        message: one sentence.
        retry_after_s: seconds, at least 1, after which a retry makes sense.
    """

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Overloaded(Unavailable):
    """A bounded queue or store is full."""


class NotReady(Unavailable):
    """A model is not loaded yet, failed to load, or the process is shutting down."""


class ModelsLoading(NotReady):
    """Models that the request needs are still on their way.

    Args:
        message: one sentence.
        retry_after_s: as `Unavailable`.
        models: model → its state.
        estimated_wait_s: seconds until all of them may be ready.
    """

    def __init__(self, message: str, *, retry_after_s: int, models: Mapping[str, str], estimated_wait_s: float) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.models = dict(models)
        self.estimated_wait_s = estimated_wait_s


class StorageFull(Unavailable):
    """There is not enough free space for what is to be kept."""


class EngineFailed(ColdstartError):
    """An inference engine broke; the request may be innocent."""


class ModelRejected(ColdstartError):
    """A model's bytes or its golden answer differ from the manifest: it must never become ready."""


class ConfigurationError(ColdstartError):
    """The process cannot start as configured: it exits with EXIT_CONFIGURATION and this sentence."""


EXIT_CONFIGURATION = 2
