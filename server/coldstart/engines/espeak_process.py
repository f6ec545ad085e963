"""espeak-ng, from the server's side: a process that is asked, and started again when it has died."""

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, cast

import structlog

from coldstart.domain.errors import EngineFailed
from coldstart.engines import espeak_worker
from coldstart.engines.espeak_worker import DONE, LENGTH, LONGEST_S

# It takes 0.05 s to start and 0.3 s for the longest sentence known; a slow machine may take many times that.
_TIMEOUT_S = 30.0
# What is written before the process reads must fit the pipe's 64 KiB, or a hanging process would hold its asker.
_LONGEST_MESSAGE_BYTES = 60_000
_READ_BYTES = 1 << 20
_FIRST_BACK_OFF_S = 0.1
_LONGEST_BACK_OFF_S = 5.0


class EspeakProcess:
    """espeak-ng in a process of its own. Not thread-safe; every call blocks.

    When the process ends, a text is tried once more with a new one. From the second end without an answer between,
    there is a wait before, from 0.1 s, doubled each time, up to 5 s.

    Args:
        directory: with `libespeak-ng.so` and `espeak-ng-data`; it may be read-only.
        timeout_s: a process that has not answered for so long is ended.

    Raises:
        EngineFailed: it does not start.
    """

    def __init__(self, directory: Path, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._directory = directory
        self._timeout_s = timeout_s
        self._log = structlog.get_logger("coldstart.espeak")
        self._deaths = 0
        self._process = self._spawned()
        try:
            self._sample_rate_hz = int(_result_of(self._exchange(b"")))
        except EngineFailed:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Of the process that runs now, or ran last."""
        return self._process.pid

    @property
    def sample_rate_hz(self) -> int:
        """Of the samples that `speak` gives."""
        return self._sample_rate_hz

    def speak(self, text: str, voice: str, rate_wpm: int) -> bytes:
        """The sound of a text: int16 little endian, mono; up to `espeak_worker.LONGEST_S` seconds.

        Args:
            text: one sentence; digits and abbreviations are read as espeak-ng reads them.
            voice: a language as espeak-ng names it, such as `en-us`, and maybe a variant of the voice: `en-us+f2`.
            rate_wpm: words a minute, at least 1.

        Raises:
            EngineFailed: there is no such voice, the sound is too long, or the process ended twice or hangs.
        """
        return self._ask({"call": "speak", "text": text, "voice": voice, "rate_wpm": rate_wpm})

    def phonemes(self, text: str, language: str) -> str:
        """A text in the International Phonetic Alphabet; several letters of one phoneme are joined by U+0361.

        Args:
            text: as for `speak`; punctuation is lost.
            language: as for `speak`.

        Raises:
            EngineFailed: there is no such language, or the process ended twice or hangs.
        """
        return self._ask({"call": "phonemes", "text": text, "language": language}).decode()

    def close(self) -> None:
        """End the process."""
        process = self._process
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            cast(IO[bytes], pipe).close()

    def _ask(self, request: dict[str, object]) -> bytes:
        # Half of a surrogate pair has no bytes.
        message = json.dumps(request, ensure_ascii=False).encode(errors="replace")
        if len(message) > _LONGEST_MESSAGE_BYTES:
            raise EngineFailed(f"the text has {len(message)} bytes; espeak-ng takes up to {_LONGEST_MESSAGE_BYTES}")
        message = LENGTH.pack(len(message)) + message
        try:
            answer = self._exchange(message)
        except _Ended:
            # It may have ended before it saw this text: another process tells.
            self._start_again()
            answer = self._exchange(message)
        self._deaths = 0
        return _result_of(answer)

    def _start_again(self) -> None:
        self._log.warning("espeak_starts_again", exit_status=self._process.returncode, deaths=self._deaths)
        if self._deaths > 1:
            time.sleep(min(_FIRST_BACK_OFF_S * 2 ** (self._deaths - 2), _LONGEST_BACK_OFF_S))
        self._process = self._spawned()
        _result_of(self._exchange(b""))

    def _spawned(self) -> "subprocess.Popen[bytes]":
        # Nothing of the server's environment: espeak-ng needs none of it. A session of its own, for Ctrl-C is the
        # server's to answer.
        return subprocess.Popen(  # noqa: S603  our own program, by the interpreter that runs us
            [sys.executable, "-I", "-S", "-B", espeak_worker.__file__, str(self._directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={},
            start_new_session=True,
        )

    def _exchange(self, message: bytes) -> bytes:
        """Send bytes and wait for a message. Afterwards the process waits for the next, or has ended.

        Raises:
            _Ended: it had ended, or does so now.
            EngineFailed: it gave no answer in time, and was ended.
        """
        process = self._process
        if process.poll() is not None:
            raise self._buried()
        requests, answers = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
        try:
            requests.write(message)
            return _message_from(answers.fileno(), time.monotonic() + self._timeout_s)
        except TimeoutError:
            self._buried()
            raise EngineFailed(f"the espeak-ng process gave no answer within {self._timeout_s:g} s") from None
        except (BrokenPipeError, EOFError):
            raise self._buried() from None

    def _buried(self) -> "_Ended":
        self.close()
        self._deaths += 1
        return _Ended(f"the espeak-ng process ended with status {self._process.returncode}")


class _Ended(EngineFailed):
    """The process has ended of itself."""


def _result_of(answer: bytes) -> bytes:
    if answer[:1] != DONE:
        raise EngineFailed(answer[1:].decode(errors="replace"))
    return answer[1:]


def _message_from(descriptor: int, deadline: float) -> bytes:
    """The next message of a pipe.

    Raises:
        EOFError: the other end is closed, or what comes is no message.
        TimeoutError: it has not come in full by the deadline, of time.monotonic().
    """
    (length,) = LENGTH.unpack(_bytes_from(descriptor, LENGTH.size, deadline))
    # Samples of two bytes, at most 48,000 a second.
    if not 1 <= length <= 1 + LONGEST_S * 2 * 48_000:
        raise EOFError(f"a message of {length} bytes")
    return _bytes_from(descriptor, length, deadline)


def _bytes_from(descriptor: int, count: int, deadline: float) -> bytes:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    data = bytearray()
    while len(data) < count:
        remaining_ms = (deadline - time.monotonic()) * 1000
        if remaining_ms <= 0 or not poll.poll(remaining_ms):
            raise TimeoutError
        piece = os.read(descriptor, min(count - len(data), _READ_BYTES))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
