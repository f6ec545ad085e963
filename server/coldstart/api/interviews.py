"""The routes of interviews; docs/interview.md describes them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from python_multipart.multipart import parse_options_header
from starlette.responses import HTMLResponse, JSONResponse, Response

from coldstart.api.bodies import streams_its_body
from coldstart.api.dependencies import CoreDependency, service_of
from coldstart.api.interview_schemas import (
    AnswerForm,
    NewSession,
    TypedAnswer,
    job_document,
    progress_document,
    session_document,
    summary_document,
    turn_document,
)
from coldstart.api.openai_audio_schemas import form_documentation
from coldstart.api.sound_replies import sound_reply
from coldstart.api.uploads import read_json, stream_upload
from coldstart.services.interview_answers import InterviewAnswers, Turn
from coldstart.services.interview_report import document_of, page_of, page_policy
from coldstart.services.interview_voice import InterviewVoice
from coldstart.services.interviews import Interviews

router = APIRouter(tags=["interview"])

Service = Annotated[Interviews, Depends(service_of(Interviews))]
Answers = Annotated[InterviewAnswers, Depends(service_of(InterviewAnswers))]
Voice = Annotated[InterviewVoice, Depends(service_of(InterviewVoice))]

_JSON = b"application/json"
_ANSWER_DOCUMENTATION = form_documentation(AnswerForm)
_ANSWER_DOCUMENTATION["requestBody"]["content"]["application/json"] = {"schema": TypedAnswer.model_json_schema()}
# What candidates say: nobody on the way is to keep it.
_PRIVATE = {"cache-control": "no-store"}


@router.post("/sessions/create", status_code=201)
async def create(core: CoreDependency, service: Service, voice: Voice, body: NewSession | None = None) -> Response:
    """Begin an interview. While models are loading: 503, with the state of each and an estimate of the time left."""
    interview = await service.create((body or NewSession()).plan(core.settings))
    return _reply(session_document(interview, has_voice=voice.is_there), 201)


@router.get("/sessions")
async def list_sessions(
    service: Service, limit: Annotated[int, Query(ge=1, le=100)] = 20, after: str | None = None
) -> Response:
    """Interviews, newest first; `next` is the `after` of the next page, null on the last one."""
    interviews, following = await service.page(limit=limit, after=after)
    return _reply({"sessions": [summary_document(interview) for interview in interviews], "next": following})


@router.get("/sessions/{session_id}")
async def show(session_id: str, service: Service, voice: Voice) -> Response:
    """An interview with its questions and answers."""
    return _reply(session_document(await service.show(session_id), has_voice=voice.is_there))


@router.delete("/sessions/{session_id}", status_code=204)
async def delete(session_id: str, service: Service) -> Response:
    """Delete an interview with all of its files."""
    await service.delete(session_id)
    return Response(status_code=204)


@router.get("/sessions/{session_id}/questions/{number}/speech")
async def say_question(
    session_id: str,
    number: int,
    service: Service,
    voice: Voice,
    format: str = "wav",  # noqa: A002  the parameter's name
) -> Response:
    """A question as sound."""
    interview, question = await service.question(session_id, number)
    utterance = voice.begin(question.text, language=interview.plan.language, format_name=format)
    return await sound_reply(utterance, voice.media_types[format])


@router.post("/sessions/{session_id}/answers", status_code=201, openapi_extra=_ANSWER_DOCUMENTATION)
@streams_its_body
async def answer(session_id: str, core: CoreDependency, answers: Answers, voice: Voice, request: Request) -> Response:
    """Answer a question, as JSON with a text or as a form with a sound file. The same answer again: the same reply."""
    content_type, _ = parse_options_header(request.headers.get("content-type"))
    if content_type == _JSON:
        typed = TypedAnswer.of(await read_json(request, core.settings.max_body_bytes))
        turn = await answers.typed(session_id, typed.question_number, typed.text)
    else:
        turn = await _uploaded(session_id, answers, request)
    return _reply(turn_document(session_id, turn, has_voice=voice.is_there), 201)


@router.post("/sessions/{session_id}/finish", status_code=202)
async def finish(session_id: str, service: Service) -> Response:
    """Take no more answers, and have the report made; also again, where that failed."""
    interview = await service.finish(session_id)
    document = {"session_id": session_id, "state": str(interview.state), "report_url": f"/sessions/{session_id}/report"}
    return _reply(document, 202)


@router.get("/sessions/{session_id}/report")
async def report(session_id: str, service: Service) -> Response:
    """The report; 202 with the state of its job while it is being made, 409 once that was given up."""
    view = await service.report(session_id)
    return _reply(progress_document(view), 202) if view.report is None else _reply(document_of(view.report))


@router.get("/sessions/{session_id}/report.html")
async def report_page(session_id: str, service: Service) -> Response:
    """The report as a page to print; else as the report itself."""
    view = await service.report(session_id)
    if view.report is None:
        return _reply(progress_document(view), 202)
    return HTMLResponse(page_of(view.report), headers={**_PRIVATE, "content-security-policy": page_policy()})


@router.get("/jobs/dead")
async def list_dead_jobs(service: Service, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> Response:
    """Reports that were given up, newest first, and why; POST …/finish begins one again."""
    dead = await service.dead_jobs(limit=limit)
    return _reply({"jobs": [{"session_id": session_id, **job_document(job)} for session_id, job in dead]})


async def _uploaded(session_id: str, answers: InterviewAnswers, request: Request) -> Turn:
    declared = request.headers.get("content-length", "0")
    async with answers.receiving(session_id, int(declared) if declared.isdecimal() else 0) as receiving:
        fields = await stream_upload(request, receiving.write)
        return await answers.uploaded(session_id, AnswerForm.of(fields).question_number, receiving)


def _reply(document: Any, status: int = 200) -> Response:
    return JSONResponse(document, status, _PRIVATE)
