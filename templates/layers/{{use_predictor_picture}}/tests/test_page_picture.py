"""The page in a real browser with a camera that Chromium makes up, driven over its own pipe."""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from running_service import running

SECONDS = 60
OPTIONS = """--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run
    --disable-background-networking --use-fake-device-for-media-stream
    --use-fake-ui-for-media-stream --remote-debugging-pipe --window-size=1240,1000"""
# The browser reads from 3 and writes to 4, so the pipes must first stand above them.
LAUNCHER = """
import os, sys
while os.dup(1) < 5:
    pass
ends = [os.dup(int(number)) for number in sys.argv[1:3]]
os.dup2(ends[0], 3)
os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Page:
    """A tab of the browser, asked in its DevTools protocol: JSON, with a zero byte after each."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._received = b""
        self._number = 0
        self._session: dict[str, str] = {}
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}

    def open(self, url: str) -> None:
        self._call("Page.navigate", url=url)

    def value(self, script: str) -> Any:
        """Return what a script of the page gives."""
        answer = self._call(
            "Runtime.evaluate", expression=script, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def click(self, name: str) -> None:
        self.value(f"document.getElementById({name!r}).click()")

    def text(self, name: str) -> str:
        return str(self.value(f"document.getElementById({name!r})?.innerText ?? ''"))

    def until(self, script: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not self.value(f"Boolean({script})"):
            assert time.monotonic() < deadline, (script, self.text("failure"))
            time.sleep(0.1)

    def _call(self, method: str, **params: object) -> dict[str, Any]:
        self._number += 1
        command = {"id": self._number, "method": method, "params": params, **self._session}
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return dict(answer["result"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._answers], [], [], SECONDS)
            assert ready, "the browser does not answer"
            chunk = os.read(self._answers, 65_536)
            assert chunk, "the browser has ended"
            self._received += chunk
        text, _, self._received = self._received.partition(b"\0")
        return dict(json.loads(text))


@contextmanager
def browsing(folder: Path) -> Iterator[Page]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None or sys.platform == "win32":
        pytest.skip("there is no Chromium on this machine, or no pipes to it")
    to_browser, commands = os.pipe()
    answers, from_browser = os.pipe()
    ends = str(to_browser), str(from_browser)
    profile = f"--user-data-dir={folder / 'profile'}"
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, *ends, chromium, *OPTIONS.split(), profile],
        pass_fds=(to_browser, from_browser),
        stderr=subprocess.DEVNULL,
    )
    os.close(to_browser)
    os.close(from_browser)
    try:
        yield Page(commands, answers)
    finally:
        process.terminate()
        process.wait(30)
        os.close(commands)
        os.close(answers)


def test_a_person_looks_where_it_looks_films_a_hand_and_spells(
    artifacts_dir: Path, tmp_path: Path
) -> None:
    with running(tmp_path, artifacts_dir) as service, browsing(tmp_path) as page:
        page.open(service.url)
        page.until("document.querySelectorAll('#candidates li').length > 1")
        assert page.text("prediction") != ""
        assert page.value("document.getElementById('seen').width") > 1

        page.click("explain")
        page.until("document.querySelectorAll('#contributions li').length")
        assert page.value("document.getElementById('why').hidden") is False

        answered = len(service.log())
        page.click("spell")
        page.until("document.getElementById('video').videoWidth")
        deadline = time.monotonic() + SECONDS
        while len(service.log()) < answered + 3:
            assert time.monotonic() < deadline, page.text("failure")
            time.sleep(0.1)
        assert {line["status"] for line in service.log()[answered:]} == {200}
        assert page.text("held") != ""

        page.click("camera")
        assert page.value("document.getElementById('video').srcObject") is None
        assert page.value("document.getElementById('video').hidden") is True
        assert page.text("failure") == ""

        page.value("document.getElementById('word').value = 'AB'")
        page.click("delete")
        page.click("space")
        assert page.value("document.getElementById('word').value") == "A "
        page.click("clear")
        assert page.value("document.getElementById('word').value") == ""


def test_a_file_that_is_dropped_is_read_and_a_wrong_one_is_a_sentence(
    artifacts_dir: Path, tmp_path: Path
) -> None:
    # Two functions of the page that the steps below call.
    functions = """
      window.drop = (content) => {
        const files = new DataTransfer();
        files.items.add(new File([content], 'a.png', {type: 'image/png'}));
        const event = new DragEvent('drop', {dataTransfer: files, bubbles: true, cancelable: true});
        document.getElementById('stage').dispatchEvent(event);
      };
      window.dropLarge = () => {
        const canvas = Object.assign(document.createElement('canvas'), {width: 3000, height: 2000});
        canvas.getContext('2d').fillRect(900, 0, 900, 2000);
        canvas.toBlob(window.drop);
      };
    """
    with running(tmp_path, artifacts_dir) as service, browsing(tmp_path) as page:
        page.open(service.url)
        page.until("document.querySelectorAll('#candidates li').length")
        answered = len(service.log())
        page.value(functions)
        page.value("window.dropLarge()")
        page.until("document.getElementById('hint').hidden")
        page.until("!document.getElementById('answer').classList.contains('busy')")
        assert [line["status"] for line in service.log()[answered:]] == [200]
        assert page.text("failure") == ""

        page.value("window.drop('nonsense')")
        page.until("!document.getElementById('failure').hidden")
        assert "cannot read that file" in page.text("failure")
        assert page.value("document.getElementById('take').disabled") is True
