"""Proof `lockdown`: what an image needs to serve, and whom it calls."""

from coldstart_harness import container as containers
from coldstart_harness.errors import NotVisible, ServiceFailed
from coldstart_harness.network.entering import in_network_of
from coldstart_harness.proofs.lockdown.calls import listen
from coldstart_harness.proofs.lockdown.rows import ANY_USER, PROCESSES, ROWS, Options, Row, environment_of
from coldstart_harness.proofs.proof import Findings, Proof, Trial
from coldstart_harness.proofs.result import Promise
from coldstart_harness.proofs.running import Running, ask, held, serving, start, url_or_why, wait_until_serving

CALLS_NOBODY = Promise("calls-nobody", "No packet leaves but answers, from before its start until after its end.")

_ANSWER_TIMEOUT_S = 30.0


def find_out(trial: Trial, findings: Findings) -> None:
    """One container for each restriction, and one that is only listened to."""
    trial.say("without restrictions")
    _serve_in_freedom(trial)
    environment = environment_of(trial)
    for row in ROWS:
        trial.say(row.promise.id.replace("-", " "))
        _judge_row(trial, findings, row, row.options(environment))
    trial.say("listening to whom it calls")
    _judge_calls(trial, findings)


def _serve_in_freedom(trial: Trial) -> None:
    """Return when it has answered every request rightly: what it does not do in freedom is no restriction's fault.

    Raises:
        ServiceFailed: it has not.
    """
    try:
        with serving(trial) as running:
            _ask_everything(trial, running)
    except ServiceFailed as error:
        raise ServiceFailed(f"without any restriction already: {error}", details=error.details) from None


def _judge_row(trial: Trial, findings: Findings, row: Row, options: Options) -> None:
    wanted = "every request answered rightly"
    try:
        _serve_under(trial, options)
    except NotVisible as error:
        findings.not_shown(row.promise, str(error))
    except ServiceFailed as error:
        detail = "\n".join(part for part in (str(error), error.details) if part)
        findings.judge(row.promise, False, met="failed", wanted=wanted, detail=detail)
    else:
        findings.judge(row.promise, True, met="every request answered rightly", wanted=wanted)


def _serve_under(trial: Trial, options: Options) -> None:
    """Return when a container under restrictions has answered every request rightly.

    Raises:
        NotVisible: the engine or this process does not allow to try.
        ServiceFailed: it has not.
    """
    _refuse_what_engine_cannot(trial, options)
    with held(trial, **options) as container:
        container.reload()
        if "pids_limit" in options and container.attrs["HostConfig"].get("PidsLimit") != PROCESSES:
            raise NotVisible("the engine does not limit processes on this machine")
        start(container)
        if options.get("network_mode") == "none":
            inside = Running(container, f"http://127.0.0.1:{trial.asked.port}")
            in_network_of(container, lambda: _wait_and_ask(trial, inside))
        else:
            _wait_and_ask(trial, Running(container, url_or_why(trial, container)))


def _refuse_what_engine_cannot(trial: Trial, options: Options) -> None:
    """An engine that runs in a user namespace has no user of so high a number; an image cannot help that."""
    if options.get("user") != ANY_USER:
        return
    security = trial.engine.client.info().get("SecurityOptions") or []
    if any(entry.startswith(("name=rootless", "name=userns")) for entry in security):
        raise NotVisible(f"the engine maps users into a namespace of its own, which has no user {ANY_USER}")


def _wait_and_ask(trial: Trial, running: Running) -> None:
    wait_until_serving(trial, running)
    _ask_everything(trial, running)


def _ask_everything(trial: Trial, running: Running) -> None:
    for name, request in trial.asked.requests.items():
        exchange = ask(running.url, request, _ANSWER_TIMEOUT_S)
        if exchange.outcome != "right":
            raise ServiceFailed(
                f"the request {name} was not answered rightly ({exchange.outcome}): {exchange.reason}",
                details=containers.log_tail(running.container),
            )


def _judge_calls(trial: Trial, findings: Findings) -> None:
    try:
        heard = listen(trial, lambda running: _wait_and_ask(trial, running))
    except NotVisible as error:
        findings.not_shown(CALLS_NOBODY, str(error))
        return
    findings.measure("frames that it sent while it was listened to", "1", [heard.frames])
    if heard.calls or heard.failure:
        met = f"calls: {len(heard.calls)}" if heard.calls else "failed while it was listened to"
        detail = "\n".join(part for part in (heard.described, heard.failure) if part)
        findings.judge(CALLS_NOBODY, False, met=met, wanted="calls: 0", detail=detail)
    elif heard.blind:
        findings.not_shown(CALLS_NOBODY, heard.blind)
    else:
        findings.judge(CALLS_NOBODY, True, met="calls: 0", wanted="calls: 0")


PROOF = Proof(
    name="lockdown",
    question="What does it need, and whom does it call?",
    scope="service",
    promises=(*(row.promise for row in ROWS), CALLS_NOBODY),
    find_out=find_out,
)
