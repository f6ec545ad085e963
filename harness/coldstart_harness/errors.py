"""Failures that end a command with one sentence instead of a traceback."""


class HarnessError(Exception):
    """Base: the message is one sentence for the person at the terminal.

    Args:
        message: the sentence.
        details: further lines, such as the end of a log; may be empty.
    """

    def __init__(self, message: str, *, details: str = "") -> None:
        super().__init__(message)
        self.details = details


class EngineUnavailable(HarnessError):
    """No container engine answers and none could be started."""


class BuildFailed(HarnessError):
    """Nix could not build or load what was asked for."""


class ServiceFailed(HarnessError):
    """A container ended, a model failed, or an answer was not what was promised."""


class TimedOut(ServiceFailed):
    """What was waited for did not come in time, and might still: exit status 124."""


class LoadImpossible(HarnessError):
    """This machine cannot make the load that was asked for."""


class NotVisible(HarnessError):
    """This machine, or whoever runs the harness on it, does not let it see what was asked: nothing is found broken."""


class RegistryFailed(HarnessError):
    """A registry does not answer, does not let one in, or does not hold what was sent."""


class UsageError(HarnessError):
    """The command was asked for something that does not exist: exit status 2."""
