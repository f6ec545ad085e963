"""Load on a service that has no users of its own here: the requests that its file of promises names."""

from locust import events

from loadtests.run import Run
from loadtests.shape import ProfileShape
from loadtests.users import PromisedRequests

RUN = Run.begun(events)


class ServiceShape(ProfileShape):
    """The chosen profile."""

    load = RUN


class ApiClient(PromisedRequests):
    """A program that sends the requests of the file of promises."""

    load = RUN
