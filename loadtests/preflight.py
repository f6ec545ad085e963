"""One request before any user comes, so that a wrong address is one sentence and not a thousand failures."""

import httpx

from coldstart_harness.errors import ServiceFailed
from coldstart_harness.slo.document import Request, Service
from coldstart_harness.traffic.events import events_in
from loadtests.answers import Answer, judged
from loadtests.settings import Settings

_TIMEOUT_S = 30.0


def check_answer(host: str, service: Service, settings: Settings) -> None:
    """Ask the service's first request once.

    Raises:
        ServiceFailed: nobody answers, or not rightly; the sentence says what was met and what was wanted.
    """
    name, request = next(iter(service.requests.items()))
    seen = judged(request, _asked(host, request, settings))
    if seen.outcome != "right":
        where = f"{request.verb} {host}{request.path} (request {name!r})"
        raise ServiceFailed(settings.without_token(f"{where} was not answered rightly: {seen.reason}"))


def _asked(host: str, request: Request, settings: Settings) -> Answer:
    try:
        # Without the environment: the users of the load know no proxy either.
        with httpx.Client(trust_env=False, verify=settings.ssl_context(), timeout=_TIMEOUT_S) as client:
            headers = {**settings.headers, **request.sent_headers}
            response = client.request(request.verb, host + request.path, headers=headers, content=request.content)
    except httpx.HTTPError as error:
        return Answer(0, error=error)
    events = events_in(response.content) if request.stream else None
    retry_after, content_type = response.headers.get("retry-after"), response.headers.get("content-type", "")
    return Answer(response.status_code, response.content, events, retry_after, content_type)
