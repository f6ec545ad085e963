"""A real server with the starter model, and headless Chromium."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.browser.chromium import Browser, open_browser
from tests.processes import ServerProcess, server_process
from tests.starter import starter_manifest


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    manifest = starter_manifest(tmp_path_factory.mktemp("starter"))
    with server_process(
        "coldstart", SERVICE_MODE="wheel", MODELS_MANIFEST=str(manifest), WHEEL_BATCHING="false", ENGINE_THREADS="1"
    ) as server:
        server.wait_ready()
        yield server


@pytest.fixture
def browse(tmp_path: Path) -> Iterator[Callable[..., Browser]]:
    """Opens browsers, and closes them at the end of the test."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs Chromium and its driver; on Debian: apt-get install chromium chromium-driver")
    opened: list[Browser] = []

    def browse(address: str, **settings: object) -> Browser:
        profile = tmp_path / f"profile-{len(opened)}"
        opened.append(open_browser(chromium, driver, profile, **settings))  # type: ignore[arg-type]
        opened[-1].driver.get(address)
        return opened[-1]

    yield browse
    for browser in opened:
        browser.driver.quit()
