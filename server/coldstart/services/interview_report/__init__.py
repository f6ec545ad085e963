"""The report on an interview as it leaves the service: a JSON document, and a page to read and print."""

from coldstart.services.interview_report.document import document_of
from coldstart.services.interview_report.page import page_of, page_policy

__all__ = ["document_of", "page_of", "page_policy"]
