"""Debian's Chromium without a window, driven by its own driver."""

import base64
import json
import shutil
from contextlib import contextmanager

from packages import provide
from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from stage import TARGET, Failed

SCREENSHOTS = TARGET / "screenshots"
_PATIENCE = 20
# What a page may weigh on somebody who cannot see or point.
_GRAVE = ("serious", "critical")


@contextmanager
def browser(width=1440, dark=False, zone="Europe/Berlin"):
    """A browser nobody used before."""
    options = webdriver.ChromeOptions()
    options.binary_location = _found("chromium")
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en-GB"):
        options.add_argument(word)
    options.add_experimental_option("prefs", {"intl.accept_languages": "en-GB,en"})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=_found("chromedriver", "chromium-driver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        tab = Tab(driver)
        tab.look(width, dark)
        driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": zone})
        yield tab
    finally:
        driver.quit()


class Tab:
    """One tab, as somebody sees it and uses it."""

    def __init__(self, driver):
        self.driver = driver

    def look(self, width, dark):
        """Makes it so wide, light or dark."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        theme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": theme})

    def open(self, address):
        self.driver.get(address)

    def __getitem__(self, id):
        return self.driver.find_element(By.ID, id)

    def until(self, condition):
        """Waits until `condition()` is true, and returns what it is."""
        try:
            return WebDriverWait(self.driver, _PATIENCE, poll_frequency=0.05).until(lambda _: condition())
        except TimeoutException:
            raise AssertionError(f"never came, at {self.driver.current_url}:\n\n{self.text()}") from None

    def shown(self, id):
        """Waits until it can be seen; returns its text."""
        return self.until(lambda: self[id].is_displayed() and self[id].text)

    def run(self, script, *words):
        return self.driver.execute_script(script, *words)

    def text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def has_no_room_to_the_side(self):
        """Whether nothing is wider than the window."""
        return self.run("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")

    def complaints(self):
        """What the console has said since it was asked last; the browser's own word on an answer that is no 200 is none."""
        said = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] != "DEBUG"]
        return [line for line in said if "Failed to load resource: the server responded with a status" not in line]

    def requests(self):
        """Every request since this was asked last: method, address, and headers."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [it["params"]["request"] for it in events if it["method"] == "Network.requestWillBeSent"]

    def faults(self):
        """What axe-core finds grave."""
        self.run((provide() / "axe-core" / "axe.min.js").read_text())
        found = self.driver.execute_async_script("axe.run(document, {}).then(arguments[arguments.length - 1])")
        grave = [it for it in found["violations"] if it["impact"] in _GRAVE]
        return [f"{it['id']}: {node['html']} {node['failureSummary']}" for it in grave for node in it["nodes"]]

    def screenshot(self, name):
        """Keeps the whole page as a picture."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        # What moves has come to rest.
        self.run("document.getAnimations().forEach((it) => it.finish())")
        taken = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, **self._whole()})
        (SCREENSHOTS / f"{name}.png").write_bytes(base64.b64decode(taken["data"]))

    def _whole(self):
        size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}


def _found(program, package=None):
    path = shutil.which(program)
    if path is None:
        raise Failed(f"There is no {program} here: install the Debian package {package or program}.")
    return path
