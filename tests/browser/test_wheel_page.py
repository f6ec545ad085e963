"""The wheel's page in a browser, against a real server with the starter model."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from tests.browser.chromium import Browser
from tests.doubles import write_manifest
from tests.processes import ServerProcess, server_process

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Browse = Callable[..., Browser]
PROMPT = "The cat sat on the"
SESSIONS = "/api/v1/sessions"


def session_of(server: ServerProcess, **settings: Any) -> dict[str, Any]:
    reply = server.client.post(SESSIONS, json={"prompt": PROMPT, "seed": 7, **settings})
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


def spun(server: ServerProcess, session: dict[str, Any]) -> dict[str, Any]:
    reply = server.client.post(f"{SESSIONS}/{session['id']}/tokens", json={"spin": True})
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def address(server: ServerProcess) -> str:
    return str(server.client.base_url)


def test_the_page_begins_with_a_text_and_its_wheel(server: ServerProcess, browse: Browse) -> None:
    """On load there is a text, a slice of the wheel for each token of the API's answer, and the rest."""
    page = browse(address(server))
    page.wait_text(PROMPT)
    expected = session_of(server)["distribution"]["slices"]
    assert page.driver.title == "Token wheel"
    assert len(page.rows) == len(expected) == 12
    assert f"“␣{expected[0]['text'].strip()}”" in page.labels[0]
    assert len(page.all("#rotor .slice")) == 13
    assert page.complaints() == []


def test_spins_with_a_seed_are_the_apis(server: ServerProcess, browse: Browse) -> None:
    """With the same prompt and seed, each press of Space adds the token that the API's spin gives, and marks it."""
    page = browse(address(server))
    page.begin(PROMPT, seed=11)
    session = session_of(server, seed=11)
    for _ in range(4):
        session = spun(server, session)
        page.press(" ")
        page.wait_text(session["text"])
        assert page.newest == session["chosen"]["text"]
        assert f"{len(session['tokens'])} of" in page.find("#count").text
    assert page.complaints() == []


def test_the_wheel_turns_and_stops_where_the_api_says(server: ServerProcess, browse: Browse) -> None:
    """With motion, the wheel ends so turned that the drawn position is under the pointer; then the text grows."""
    page = browse(address(server), still=False)
    page.begin(PROMPT, seed=5)
    after = spun(server, session_of(server, seed=5))
    page.script(
        """const rotor = document.getElementById("rotor");
        window.turns = [];
        new MutationObserver(() => window.turns.push(rotor.getAttribute("transform")))
          .observe(rotor, { attributes: true });"""
    )
    page.find("#spin").click()
    page.wait_text(after["text"])
    turns = [float(turn[len("rotate(") : -1]) for turn in page.script("return window.turns")]
    assert len(turns) > 10
    assert max(turns) == pytest.approx(360 * (5 - after["chosen"]["position"]), abs=1e-6)


def test_space_skips_the_show(server: ServerProcess, browse: Browse) -> None:
    """A second press of Space ends the spin at once, with the same token."""
    page = browse(address(server), still=False)
    page.begin(PROMPT, seed=5)
    after = spun(server, session_of(server, seed=5))
    page.press(" ")
    page.wait(lambda: page.find("#outcome").text == "…", "a wheel that turns")
    page.press(" ")
    page.wait(lambda: page.text == after["text"], "the spun token")
    assert page.complaints() == []


def test_reduced_motion_means_no_motion(server: ServerProcess, browse: Browse) -> None:
    """For who prefers reduced motion the wheel never turns, and the choice is told in words."""
    page = browse(address(server), still=True)
    page.begin(PROMPT, seed=5)
    page.script(
        """window.turned = 0;
        const rotor = document.getElementById("rotor");
        new MutationObserver(() => {
          if (!["rotate(0)", null].includes(rotor.getAttribute("transform"))) window.turned += 1;
        }).observe(rotor, { attributes: true });
        window.requestAnimationFrame = () => { window.turned += 1; };"""
    )
    page.press(" ")
    page.wait(lambda: page.find("#outcome").text.startswith("The wheel chose"), "the choice in words")
    page.wait_idle()
    # One write of the end position and one of the new wheel's may be seen, but no frame between them.
    assert page.script("return window.turned") <= 1


def test_digits_pick_and_backspace_takes_back(server: ServerProcess, browse: Browse) -> None:
    """The key of a row adds its token, and Backspace takes it back."""
    page = browse(address(server))
    page.begin(PROMPT, seed=1)
    slices = session_of(server)["distribution"]["slices"]
    page.press("2")
    page.wait_text(PROMPT + slices[1]["text"])
    page.press("1")
    page.wait(lambda: len(page.all("#story .chosen")) == 2, "a second token")
    page.wait_idle()
    page.press(Keys.BACKSPACE)
    page.wait_text(PROMPT + slices[1]["text"])
    page.press(Keys.BACKSPACE)
    page.wait_text(PROMPT)
    page.press(Keys.BACKSPACE)
    assert page.complaints() == []
    assert page.error == ""


def test_keys_in_a_field_are_text(server: ServerProcess, browse: Browse) -> None:
    """Space, digits and Backspace in the prompt's field write there, and spin and pick nothing."""
    page = browse(address(server))
    page.begin(PROMPT, seed=1)
    page.find("#prompt").send_keys(" 12", Keys.BACKSPACE)
    assert page.find("#prompt").get_attribute("value") == f"{PROMPT} 1"
    assert page.text == PROMPT


def test_a_click_on_a_slice_or_a_row_picks_it(server: ServerProcess, browse: Browse) -> None:
    """A slice of the wheel and a row of the list are picked by a click, and the row's button keeps the focus."""
    page = browse(address(server))
    page.begin(PROMPT, seed=1)
    slices = session_of(server)["distribution"]["slices"]
    page.find("#rotor .slice path").click()
    page.wait_text(PROMPT + slices[0]["text"])
    page.find("#undo").click()
    page.wait_text(PROMPT)
    row = page.rows[2]
    row.click()
    page.wait_text(PROMPT + slices[2]["text"])
    assert page.driver.switch_to.active_element == row


def test_all_can_be_done_by_the_tab_key(server: ServerProcess, browse: Browse) -> None:
    """Every control is reached by Tab, shows that it has the focus, and has a name."""
    page = browse(address(server))
    page.wait_text(PROMPT)
    reached = []
    for _ in range(40):
        page.press(Keys.TAB)
        element = page.driver.switch_to.active_element
        if element.tag_name == "body":
            break
        assert page.script("return getComputedStyle(arguments[0]).outlineStyle", element) != "none"
        assert element.accessible_name
        reached.append(element.get_attribute("id") or element.accessible_name)
    assert {"model", "prompt", "story", "undo", "restart", "spin", "temperature", "top-k", "seed", "new-seed"} <= {
        *reached
    }
    assert len([name for name in reached if name.startswith("Pick ")]) == 12


def test_temperature_and_slices_change_the_wheel(server: ServerProcess, browse: Browse) -> None:
    """Moving a slider shows the API's distribution for that setting, without another token."""
    page = browse(address(server))
    page.begin(PROMPT, seed=1)
    page.find("#temperature").send_keys(Keys.END)
    page.find("#top-k").send_keys(Keys.HOME, *[Keys.ARROW_RIGHT] * 4)
    expected = session_of(server, temperature=3.0, top_k=5)["distribution"]
    page.wait(lambda: len(page.rows) == 5, "five slices")
    share = f"{expected['slices'][0]['probability'] * 100:.1f}%"
    page.wait(lambda: page.labels[0].endswith(share), f"the first slice with {share}")
    assert page.find("#rest").text == f"{expected['rest_probability'] * 100:.1f}%"
    assert page.text == PROMPT


def test_a_new_seed_is_another_chance(server: ServerProcess, browse: Browse) -> None:
    """The seed shown is the session's, and a seed typed in decides the next spin."""
    page = browse(address(server))
    page.begin(PROMPT, seed=1)
    field = page.find("#seed")
    field.clear()
    field.send_keys("23", Keys.TAB)
    page.wait_idle()
    page.script("document.activeElement.blur()")
    page.press(" ")
    page.wait_text(spun(server, session_of(server, seed=23))["text"])


def test_what_goes_wrong_is_a_sentence(server: ServerProcess, browse: Browse) -> None:
    """The server's refusal is shown as an alert in words, goes with the next success, and breaks nothing."""
    page = browse(address(server))
    page.begin(PROMPT, seed=1)
    page.find("#prompt").clear()
    page.find("#begin button").click()
    page.wait(lambda: page.error, "an error")
    assert page.error == "The prompt is empty; it must have at least one token."
    assert page.find("#error").get_attribute("role") == "alert"
    assert page.text == PROMPT
    page.begin("Once upon a", seed=1)
    assert page.error == ""


def test_a_session_that_is_gone_can_be_begun_again(server: ServerProcess, browse: Browse) -> None:
    """When the server no longer has the session, the page says so and starts over when asked."""
    page = browse(address(server))
    page.begin(PROMPT, seed=1)
    page.script(
        "window.fetchFirst = window.fetch; window.fetch = (path, ...rest) => "
        "window.fetchFirst(path.replace(/sessions\\/\\w+/, 'sessions/gone'), ...rest)"
    )
    page.press(" ")
    page.wait(lambda: "there is no session" in page.error.lower(), "an error")
    page.find("#restart").click()
    page.wait(lambda: page.error == "", "no error")
    page.wait_text(PROMPT)


def test_a_text_is_shown_and_not_run(server: ServerProcess, browse: Browse) -> None:
    """Markup in a prompt is text."""
    page = browse(address(server))
    page.begin("<b>the</b> <img src=x onerror=alert(1)>", seed=1)
    assert page.all("#story b, #story img") == []
    assert page.complaints() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_colours_follow_the_system(server: ServerProcess, browse: Browse, dark: bool) -> None:
    """The ground is dark in dark mode and light in light mode, and all text has a contrast of 4.5 or more."""
    page = browse(address(server), dark=dark)
    page.begin(PROMPT, seed=1)
    page.press(" ")
    page.wait(lambda: page.all("#story mark"), "a token")
    colours = page.script(
        """const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
        const ground = (element) => {
          for (let e = element; e; e = e.parentElement) {
            const [r, g, b, a = 1] = parse(getComputedStyle(e).backgroundColor);
            if (a === 1) return [r, g, b];
          }
          return [255, 255, 255];
        };
        return ["h1", ".tagline", "#count", "#story", "#story mark", ".primary", "#spin", ".token", ".share", ".quiet",
                ".rest", "#outcome", "#entropy", "summary", "label"].map((css) => {
          const element = document.querySelector(css);
          return [css, parse(getComputedStyle(element).color).slice(0, 3), ground(element)];
        });"""
    )
    page_ground = page.script("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (luminance(page_ground) < 0.1) == dark
    for css, ink, ground in colours:
        assert contrast(ink, ground) >= 4.5, f"{css}: {ink} on {ground}"


@pytest.mark.parametrize("width", [320, 360, 768])
def test_a_narrow_page_needs_no_sideways_scrolling(server: ServerProcess, browse: Browse, width: int) -> None:
    """At phone and tablet width nothing is wider than the window, also with a long word, many slices and the help."""
    page = browse(address(server), width=width)
    page.begin("Onceuponatimetherewasaverylongwordwithoutanyspaces " + "x" * 80, seed=1)
    page.script("document.querySelector('details').open = true")
    page.find("#top-k").send_keys(Keys.END)
    page.wait(lambda: len(page.rows) == 40, "forty slices")
    assert page.script("return document.documentElement.scrollWidth") <= width
    small = [b.accessible_name for b in page.driver.find_elements(By.TAG_NAME, "button") if b.size["height"] < 32]
    assert small == []


def test_a_server_that_loads_is_waited_for(tmp_path: Path, browse: Browse) -> None:
    """While no model is ready the page says so, and begins by itself when one is."""
    environ = {"SERVICE_MODE": "wheel", "MODELS_MANIFEST": str(write_manifest(tmp_path, "slow")), "FAKE_GATE": "closed"}
    with server_process("tests.serve_fake", **environ) as server:
        page = browse(address(server))
        page.wait(lambda: "slow is getting ready" in page.find("#outcome").text, "a word about the model")
        assert page.find("#spin").get_attribute("aria-disabled") == "true"
        server.signal(signal.SIGUSR1)
        page.wait_text(PROMPT)
        assert page.complaints() == []


def test_a_lesson_can_be_handed_on_as_an_address(server: ServerProcess, browse: Browse) -> None:
    """Prompt, seed, temperature and slices in the page's address are what it begins with."""
    page = browse(f"{address(server)}?prompt=Once+upon+a&seed=3&temperature=0.5&top_k=4")
    page.wait_text("Once upon a")
    assert page.find("#seed").get_attribute("value") == "3"
    assert page.find("#temperature-value").text == "0.50"
    assert len(page.rows) == 4


def luminance(rgb: list[float]) -> float:
    """Source: WCAG 2.2, relative luminance."""
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(ink: list[float], ground: list[float]) -> float:
    """Source: WCAG 2.2, contrast ratio: 1 to 21."""
    lighter, darker = sorted((luminance(ink), luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
