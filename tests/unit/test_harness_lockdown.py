"""Which restrictions an image is put under, and what the proof makes of what it sees."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from coldstart_harness.engine import Engine
from coldstart_harness.errors import NotVisible, ServiceFailed
from coldstart_harness.network.packets import Call
from coldstart_harness.proofs import lockdown
from coldstart_harness.proofs.lockdown.calls import Heard
from coldstart_harness.proofs.lockdown.rows import ROWS, caches_of, environment_of
from coldstart_harness.proofs.proof import Effort, Trial
from coldstart_harness.proofs.result import ProofResult
from coldstart_harness.slo.document import Image, Service

SERVICE = Service.model_validate(
    {"port": 80, "liveness": "/l", "readiness": "/r", "env": {"HOME": "/home/app"}, "requests": {"x": {"path": "/"}}}
)
QUIET = Heard(calls=(), frames=9, failure="", blind="")


def trial(**info: Any) -> Trial:
    image = SimpleNamespace(attrs={"Config": {"Env": ["HOME=/root", "PATH=/bin", "OPTIONS=a=b"]}})
    client = SimpleNamespace(images=SimpleNamespace(get=lambda _reference: image), info=lambda: info)
    return Trial(
        engine=cast(Engine, SimpleNamespace(client=client)),
        reference="image",
        image=Image(),
        services={"s": SERVICE},
        service_name="s",
        effort=Effort(),
        say=lambda _line: None,
        scratch=Path(),
    )


def proved(monkeypatch: pytest.MonkeyPatch, serve: Any = None, heard: Any = QUIET) -> ProofResult:
    """What the proof finds where containers behave as `serve` and the record is what `heard` says."""

    @contextmanager
    def serving(_trial: Trial) -> Iterator[None]:
        yield

    def listen(*_: object) -> Heard:
        if isinstance(heard, Exception):
            raise heard
        return cast(Heard, heard)

    monkeypatch.setattr(lockdown, "serving", serving)
    monkeypatch.setattr(lockdown, "_ask_everything", lambda *_: None)
    monkeypatch.setattr(lockdown, "_serve_under", serve or (lambda *_: None))
    monkeypatch.setattr(lockdown, "listen", listen)
    return lockdown.PROOF.run(trial())


def outcomes(result: ProofResult) -> dict[str, str]:
    return {verdict.id: verdict.outcome for verdict in result.verdicts}


def test_all_restrictions_together_are_each_of_them() -> None:
    """The last row has every option of the others, and all their mounts."""
    environment = {"HOME": "/home/app", "HF_HOME": "/models"}
    *single, every = (row.options(environment) for row in ROWS)
    assert len(single) == 6
    together = {name: value for options in single for name, value in options.items() if name != "tmpfs"}
    assert {name: value for name, value in every.items() if name != "tmpfs"} == together
    assert set(every["tmpfs"]) == {"/tmp", "/models", "/home/app/.cache"}  # noqa: S108 - inside the container


@pytest.mark.parametrize(
    ("environment", "caches"),
    [
        ({}, ["/root/.cache"]),
        ({"HOME": ""}, ["/root/.cache"]),
        ({"HOME": "/home/app"}, ["/home/app/.cache"]),
        ({"HOME": "/", "XDG_CACHE_HOME": "/.cache"}, ["/.cache"]),
        ({"HF_HUB_CACHE": "/a", "TORCH_HOME": "/b", "PIP_NO_CACHE_DIR": "1", "HOME": "/h"}, ["/a", "/b", "/h/.cache"]),
    ],
)
def test_caches_are_where_variables_and_habit_have_them(environment: dict[str, str], caches: list[str]) -> None:
    """Absolute paths in variables of caches, and `.cache` at home; values that are no paths are left alone."""
    assert caches_of(environment) == caches


def test_a_service_has_its_images_variables_and_its_own() -> None:
    """The service's variables win; a value may hold an equals sign."""
    assert environment_of(trial()) == {"HOME": "/home/app", "PATH": "/bin", "OPTIONS": "a=b"}


def test_every_promise_has_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that serves in every row and calls nobody keeps all eight promises."""
    assert set(outcomes(proved(monkeypatch)).values()) == {"kept"}


def test_a_row_that_fails_breaks_its_own_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The row's promise is broken with the reason and the log; the other rows are asked all the same."""

    def serve(_trial: Trial, options: dict[str, Any]) -> None:
        if "user" in options:
            raise ServiceFailed("it ended with exit code 1", details="must be root")

    result = proved(monkeypatch, serve)
    broken = [verdict for verdict in result.verdicts if verdict.outcome == "broken"]
    assert [verdict.id for verdict in broken] == ["runs-as-any-user", "runs-with-all-of-it"]
    assert broken[0].detail == "it ended with exit code 1\nmust be root"


def test_what_fails_in_freedom_is_no_restrictions_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that does not serve at all is told so, once for every promise."""

    def wrong(*_: object) -> None:
        raise ServiceFailed("the answer is 41", details="the log")

    @contextmanager
    def serving(_trial: Trial) -> Iterator[None]:
        yield

    monkeypatch.setattr(lockdown, "serving", serving)
    monkeypatch.setattr(lockdown, "_ask_everything", wrong)
    result = lockdown.PROOF.run(trial())
    assert {verdict.detail for verdict in result.verdicts} == {
        "without any restriction already: the answer is 41\nthe log"
    }
    assert set(outcomes(result).values()) == {"broken"}


def test_what_this_machine_hides_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that could not be tried, and a network that could not be watched, are no failures of the image."""

    def serve(_trial: Trial, options: dict[str, Any]) -> None:
        if "network_mode" in options:
            raise NotVisible("needs root")

    found = outcomes(proved(monkeypatch, serve, NotVisible("needs root")))
    hidden = [name for name, outcome in found.items() if outcome == "not shown"]
    assert hidden == ["runs-without-network", "runs-with-all-of-it", "calls-nobody"]
    assert "broken" not in found.values()


def test_a_call_breaks_the_promise_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call is told once, with how often it was tried, even where the record may lack others."""
    lookup = Call("DNS", "172.18.0.1", 53, "example.com")
    heard = Heard(
        (lookup, Call("TCP", "203.0.113.7", 443), lookup), frames=9, failure="", blind="2 packets were missed"
    )
    verdict = proved(monkeypatch, heard=heard).verdicts[-1]
    assert (verdict.outcome, verdict.met) == ("broken", "calls: 3")
    assert verdict.detail == "DNS lookup of example.com at 172.18.0.1:53 (2 times)\nTCP to 203.0.113.7:443"


def test_a_record_that_may_lack_something_proves_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """No call in a record that is not whole is not shown, not kept."""
    heard = Heard((), frames=9, failure="", blind="2 packets were missed")
    verdict = proved(monkeypatch, heard=heard).verdicts[-1]
    assert (verdict.outcome, verdict.detail) == ("not shown", "2 packets were missed")


def test_silence_of_a_service_that_did_not_serve_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who answers nobody while listened to has not shown that answering needs no calls."""
    heard = Heard((), frames=9, failure="the container ended", blind="")
    verdict = proved(monkeypatch, heard=heard).verdicts[-1]
    assert (verdict.outcome, verdict.detail) == ("broken", "the container ended")


def test_users_that_the_engine_does_not_have_are_not_asked_for() -> None:
    """An engine in a user namespace cannot run so high a number; other restrictions do not mind."""
    rootless = trial(SecurityOptions=["name=seccomp,profile=default", "name=rootless"])
    with pytest.raises(NotVisible, match="1000770000:0"):
        lockdown._refuse_what_engine_cannot(rootless, {"user": "1000770000:0"})
    lockdown._refuse_what_engine_cannot(rootless, {"read_only": True})
    lockdown._refuse_what_engine_cannot(trial(SecurityOptions=["name=seccomp"]), {"user": "1000770000:0"})
