"""Headless Chromium, and the wheel's page as a person uses it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

DEADLINE_S = 20.0
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def open_browser(
    chromium: str, driver: str, profile: Path, *, dark: bool = False, width: int = 1280, still: bool = True
) -> "Browser":
    """A browser window 900 pixels high.

    Args:
        width: in CSS pixels; up to 500 it is a phone with a touch screen.
        still: whether its user prefers reduced motion.
    """
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width <= 500}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    media = {
        "prefers-color-scheme": "dark" if dark else "light",
        "prefers-reduced-motion": "reduce" if still else "no-preference",
    }
    features = [{"name": name, "value": value} for name, value in media.items()]
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    return Browser(chrome)


class Browser:
    """The page, by what is on it."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def find(self, css: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def script(self, code: str, *arguments: Any) -> Any:
        return self.driver.execute_script(code, *arguments)

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        """Until the condition holds; `what` is told when it never does."""
        return WebDriverWait(self.driver, DEADLINE_S, poll_frequency=0.02).until(lambda _: condition(), what)

    def press(self, *keys: str) -> None:
        """Type keys to whatever has the focus."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def begin(self, prompt: str, seed: int) -> None:
        """Start a text with a seed, and leave the focus on no field."""
        self.wait_idle()
        self.script("document.getElementById('seed').value = arguments[0]", seed)
        field = self.find("#prompt")
        field.clear()
        field.send_keys(prompt, Keys.ENTER)
        self.wait(lambda: self.text == prompt and self.find("#seed").get_attribute("value") == str(seed), "a new text")
        self.wait_idle()
        self.script("document.activeElement.blur()")

    def wait_idle(self) -> None:
        self.wait(lambda: self.find("#spin").get_attribute("aria-disabled") == "false", "a wheel that can be spun")

    def wait_text(self, text: str) -> None:
        self.wait(lambda: self.text == text, f"the text {text!r}")
        self.wait_idle()

    @property
    def text(self) -> str:
        return str(self.find("#story").get_property("textContent"))

    @property
    def newest(self) -> str:
        return str(self.find("#story mark").get_property("textContent"))

    @property
    def error(self) -> str:
        return self.find("#error").text

    @property
    def rows(self) -> list[WebElement]:
        return self.all(".slices li:not([hidden]) button")

    @property
    def labels(self) -> list[str]:
        """Each row as it is read out."""
        return [str(row.get_attribute("aria-label")) for row in self.rows]

    def complaints(self) -> list[str]:
        """What the browser's console has of warnings and errors since the last call."""
        entries: list[dict[str, Any]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries if entry["level"] in ("WARNING", "SEVERE")]
