"""The report as one page that needs nothing but itself: no script, no font, no picture from elsewhere."""

import base64
import hashlib
from functools import cache
from pathlib import Path

import jinja2

from coldstart.domain.interview import InterviewReport
from coldstart.services.interview_analysis import totals_of

_DIRECTORY = Path(__file__).parent


def page_of(report: InterviewReport) -> str:
    """The whole HTML document, to read and to print. Whatever was said, typed or asked is escaped."""
    return _template().render(
        report=report, plan=report.interview.plan, totals=totals_of(report.answers), style=_style()
    )


def page_policy() -> str:
    """The Content-Security-Policy to send with a page: nothing at all but the style sheet in it, known by its hash."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    refused = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return f"{refused}; style-src 'sha256-{digest}'"


@cache
def _style() -> str:
    return (_DIRECTORY / "page.css").read_text(encoding="utf-8")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_DIRECTORY),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["minutes"] = _minutes
    return environment.get_template("page.html.j2")


def _minutes(seconds: float) -> str:
    """Minutes and seconds, as `1:05`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
