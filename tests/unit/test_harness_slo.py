"""The file of promises: what it says of an image, and the sentence for everything that it cannot say."""

from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from coldstart_harness.errors import UsageError
from coldstart_harness.slo.bodies import FILE_BYTES_MAX, FormFile
from coldstart_harness.slo.document import Expect, Image, Near, Promises, Request, Service, Units, laid_over
from coldstart_harness.slo.loading import SloFile, load_slo, repository_of

TREE = Path(__file__).parents[2]
# Somebody else's image: what the documentation promises to be enough.
FOREIGN = """
version = 1
[service.theirs]
port = 9000
liveness = "/up"
readiness = "/ready"
[service.theirs.requests.ask]
path = "/ask"
json = { question = "2 + 2" }
expect.json."answer" = "4"
"""
SEVERAL = (
    FOREIGN
    + """
[service.theirs.promises]
ready_s = 3.0
p99_ms = 100
[service.other]
port = 9001
liveness = "/up"
readiness = "/ready"
requests.ask.path = "/other"
[image.small]
size_mb = 50
[image.small.services.theirs]
promises.ready_s = 1.0
requests.ask.expect.json."unit" = "none"
[image.large.services]
theirs = {}
other = {}
"""
)


def loaded(tmp_path: Path, text: str) -> SloFile:
    path = tmp_path / "theirs.toml"
    path.write_text(text, encoding="utf-8")
    return load_slo(path)


def complaint(tmp_path: Path, text: str) -> str:
    with pytest.raises(UsageError) as caught:
        loaded(tmp_path, text)
    return str(caught.value)


def test_ten_lines_are_enough_for_a_foreign_image(tmp_path: Path) -> None:
    """One service and no image: every image is served by it, with nothing promised but the defaults."""
    assert len(FOREIGN.strip().splitlines()) <= 10
    target = loaded(tmp_path, FOREIGN).target_of("registry:5000/team/answers:2")
    assert (target.name, list(target.services)) == ("answers", ["theirs"])
    service = target.services["theirs"]
    assert service.promises == Promises()
    assert (service.promises.lie_ms, service.promises.ready_s) == (0, None)
    assert service.request.expect.document == {"answer": "4"}


def test_the_example_of_the_documentation_is_a_file_of_promises(tmp_path: Path) -> None:
    """The foreign example in docs/slo.md can be loaded as it stands, and has about ten lines."""
    text = (TREE / "docs/slo.md").read_text(encoding="utf-8")
    example = text.partition("```toml\n")[2].partition("```")[0]
    assert 8 <= len(example.strip().splitlines()) <= 12
    assert len(loaded(tmp_path, example).slo.services) == 1


def test_every_promise_is_documented() -> None:
    """docs/slo.md names every line that a file of promises may have."""
    text = (TREE / "docs/slo.md").read_text(encoding="utf-8")
    fields = {
        info.alias or name
        for table in (Service, Request, FormFile, Expect, Units, Promises, Image)
        for name, info in table.model_fields.items()
    }
    assert sorted(field for field in fields if f"`{field}`" not in text) == []


def test_our_own_file_promises_something_of_every_image() -> None:
    """Each image has a size, a service with a start, an answer's time and a memory; expected texts where known."""
    slo = load_slo(TREE / "slo.toml")
    assert {"coldstart", "coldstart-wheel"} <= set(slo.slo.images)
    for name in slo.slo.images:
        target = slo.target_of(name)
        assert target.image.size_mb is not None
        for service in target.services.values():
            assert None not in (service.promises.ready_s, service.promises.p99_ms, service.promises.memory_mb)


def test_an_image_lays_its_tables_over_its_service(tmp_path: Path) -> None:
    """Another promise replaces the service's, the others stay; an expected answer is added to those of the service."""
    slo = loaded(tmp_path, SEVERAL)
    small = slo.target_of("team/small:1")
    assert small.image.size_mb == 50
    assert (small.services["theirs"].promises.ready_s, small.services["theirs"].promises.p99_ms) == (1.0, 100)
    assert small.services["theirs"].request.expect.document == {"answer": "4", "unit": "none"}
    large = slo.target_of("large")
    assert list(large.services) == ["theirs", "other"]
    assert large.services["theirs"].promises.ready_s == 3.0


def test_an_image_that_the_file_does_not_have_is_refused(tmp_path: Path) -> None:
    """The sentence has the name looked for, the reference met and the images there are."""
    slo = loaded(tmp_path, SEVERAL)
    with pytest.raises(UsageError, match=r"no \[image\.medium\] for team/medium:1; its images are: small, large"):
        slo.target_of("team/medium:1")


def test_two_services_need_an_image_that_chooses(tmp_path: Path) -> None:
    """Without any image nobody knows which of two services an image offers."""
    text = FOREIGN + '[service.other]\nport=1\nliveness="/"\nreadiness="/"\nrequests.a.path="/"\n'
    with pytest.raises(UsageError, match=r"no \[image\.answers\].*its images are: none"):
        loaded(tmp_path, text).target_of("answers")


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("wheel", "wheel"),
        ("wheel:1.0", "wheel"),
        ("registry:5000/team/wheel", "wheel"),
        ("registry:5000/team/wheel:1.0", "wheel"),
        ("team/wheel@sha256:" + "0" * 64, "wheel"),
        ("team/wheel:1.0@sha256:" + "0" * 64, "wheel"),
    ],
)
def test_an_image_is_known_by_the_last_part_of_its_repository(reference: str, name: str) -> None:
    """Registry, tag and digest do not matter."""
    assert repository_of(reference) == name


def with_line(line: str, table: str = "") -> str:
    return f"{FOREIGN}\n{table}\n{line}\n"


def with_form(fields: str, more: str = "") -> str:
    return with_line(f"form = {{ {fields} }}\n{more}", "[service.theirs.requests.sent]\npath='/'")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version = ", ["theirs.toml cannot be read as a file of promises"]),
        ("", ["version: Field required", "service: Field required"]),
        (FOREIGN.replace("version = 1", "version = 2"), ["version: Input should be 1, met 2"]),
        (FOREIGN.replace("port = 9000", "port = 90000"), ["service.theirs.port", "65535", "met 90000"]),
        (FOREIGN.replace('"/up"', '"up"'), ["service.theirs.liveness", "starts with '/'", "met 'up'"]),
        (FOREIGN.replace("readiness", "readines"), ["service.theirs.readiness: Field required", "readines"]),
        (FOREIGN.partition("[service.theirs.requests")[0], ["service.theirs.requests: Field required"]),
        (FOREIGN.replace('"answer"', '"answer["'), ["'answer[' is not a JMESPath expression"]),
        (
            with_line('body = "x"', "[service.theirs.requests.both]\npath='/'\njson=1"),
            ["one of `json`, `body` and `form`"],
        ),
        (with_form('a = "x"', "body = 'y'"), ["one of `json`, `body` and `form`"]),
        (with_form(""), ["requests.sent.form", "at least 1"]),
        (with_form("a = 1"), ["requests.sent.form.a.text", "valid string, met 1"]),
        (with_form('a = { file = "x" }'), ["requests.sent.form.a.file.path: Field required"]),
        (with_form('a = { path = "none.wav" }'), ["form.a.file", "none.wav cannot be read: No such file"]),
        (with_form('a = { path = "." }'), ["form.a.file", "cannot be read: Is a directory"]),
        (with_form('a = "x"', "expect.media_type = 'sound'"), ["expect.media_type", "like 'audio/wav'", "met 'sound'"]),
        (with_form('a = "x"', "units.name = 'seconds'"), ["requests.sent.units", "`count` or by `bytes_each`"]),
        (with_line("redy_s = 1", "[service.theirs.promises]"), ["service.theirs.promises.redy_s", "met 1"]),
        (with_line("ready_s = 0", "[service.theirs.promises]"), ["promises.ready_s", "greater than 0", "met 0"]),
        (with_line("error_ratio = 2", "[service.theirs.promises]"), ["promises.error_ratio", "equal to 1", "met 2"]),
        (with_line("lie_ms = -1", "[service.theirs.promises]"), ["promises.lie_ms", "equal to 0", "met -1"]),
        (with_line('without_gpu = "crashes"', "[image.x]"), ["image.x.without_gpu", "'stops'", "met 'crashes'"]),
        (
            with_line('sha256 = "abc"', "[image.x.models.m]\nrevision='1'\n[[image.x.models.m.files]]\npath='/w'"),
            ["image.x.models.m.files.0.sha256", "met 'abc'"],
        ),
        (with_line("voice = {}", "[image.x.services]"), ["image.x.services names voice; the services are: theirs"]),
        (
            with_line("promises.ready_s = 'soon'", "[image.x.services.theirs]"),
            ["service theirs of an image", "promises.ready_s", "met 'soon'"],
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, text: str, words: list[str]) -> None:
    """The place, the value met and the value wanted; the file's name comes first."""
    sentence = complaint(tmp_path, text)
    assert sentence.startswith(str(tmp_path / "theirs.toml"))
    for part in words:
        assert part in sentence
    assert "\n" not in sentence.replace(str(tmp_path), "")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The sentence has its path."""
    with pytest.raises(UsageError, match=r"nowhere\.toml cannot be read"):
        load_slo(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("table", "verb"),
    [
        ({}, "GET"),
        ({"json": {}}, "POST"),
        ({"json": None, "body": ""}, "POST"),
        ({"form": {"a": "b"}}, "POST"),
        ({"method": "PUT", "json": 1}, "PUT"),
        ({"method": "DELETE"}, "DELETE"),
    ],
)
def test_a_body_is_posted(table: dict[str, Any], verb: str) -> None:
    """GET without a body, POST with one, or what the file says."""
    assert Request.model_validate({"path": "/", **table}).verb == verb


@pytest.mark.parametrize(
    ("table", "content", "media_type"),
    [
        ({"json": {"a": 1}}, b'{"a": 1}', "application/json"),
        ({"body": "ä"}, "ä".encode(), "text/plain; charset=utf-8"),
    ],
)
def test_a_body_is_sent_with_its_media_type(table: dict[str, Any], content: bytes, media_type: str) -> None:
    """Other headers stay; a media type that the file names wins, whatever its case."""
    request = Request.model_validate({"path": "/", "headers": {"x-a": "1"}, **table})
    assert (request.content, request.sent_headers) == (content, {"Content-Type": media_type, "x-a": "1"})
    named = Request.model_validate({"path": "/", "headers": {"content-type": "mine"}, **table})
    assert named.sent_headers == {"content-type": "mine"}


def test_without_a_body_nothing_is_added() -> None:
    """Neither bytes nor headers."""
    request = Request.model_validate({"path": "/"})
    assert (request.content, request.sent_headers) == (None, {})


def test_a_form_sends_texts_and_files_from_beside_the_file_of_promises(tmp_path: Path) -> None:
    """As a server parses it: each field once, the file with its bytes and the last part of its path."""
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds" / "one.wav").write_bytes(b"RIFF\r\n--\x00")
    slo = loaded(tmp_path, with_form('model = "m", file = { path = "sounds/one.wav" }'))
    request = slo.target_of("theirs").services["theirs"].requests["sent"]
    assert request.content is not None
    parts = message_from_bytes(
        b"Content-Type: " + request.sent_headers["Content-Type"].encode() + b"\n\n" + request.content
    )
    fields = {part.get_param("name", header="content-disposition"): part for part in parts.get_payload()}
    assert fields["model"].get_payload(decode=True) == b"m"
    assert fields["model"].get_filename() is None
    assert fields["file"].get_payload(decode=True) == b"RIFF\r\n--\x00"
    assert fields["file"].get_filename() == "one.wav"


def test_a_file_is_read_once(tmp_path: Path) -> None:
    """What becomes of it afterwards changes no request, and a request's bytes are made once."""
    (tmp_path / "one.wav").write_bytes(b"before")
    request = loaded(tmp_path, with_form('file = { path = "one.wav" }')).slo.services["theirs"].requests["sent"]
    (tmp_path / "one.wav").write_bytes(b"after")
    assert b"before" in (request.content or b"")
    assert request.content is request.content


def test_a_file_of_a_form_is_bounded(tmp_path: Path) -> None:
    """The sentence has the size met and the size wanted."""
    with (tmp_path / "long.wav").open("wb") as file:
        file.truncate(FILE_BYTES_MAX + 1)
    sentence = complaint(tmp_path, with_form('file = { path = "long.wav" }'))
    assert f"has {FILE_BYTES_MAX + 1} bytes; a form sends at most {FILE_BYTES_MAX}" in sentence


def test_a_number_may_be_near() -> None:
    """A table with `near` is a tolerance; any other table is a value to be met exactly."""
    expect = Request.model_validate(
        {"path": "/", "expect": {"json": {"a": {"near": 1, "within": 0.1}, "b": {"c": 1}}}}
    ).expect
    assert expect.document == {"a": Near(near=1, within=0.1), "b": {"c": 1}}


def test_load_is_made_of_the_first_request() -> None:
    """The order of the file counts."""
    table = {"port": 1, "liveness": "/", "readiness": "/", "requests": {"z": {"path": "/z"}, "a": {"path": "/a"}}}
    assert Service.model_validate(table).request.path == "/z"


def test_tables_are_merged_and_all_else_is_replaced() -> None:
    """A list is no table; neither argument changes."""
    below = {"a": {"b": 1, "c": [1, 2]}, "d": 1}
    assert laid_over(below, {"a": {"c": [3]}, "d": {"e": 2}}) == {"a": {"b": 1, "c": [3]}, "d": {"e": 2}}
    assert below == {"a": {"b": 1, "c": [1, 2]}, "d": 1}
