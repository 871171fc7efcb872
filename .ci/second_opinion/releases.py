"""A web server with releases, good and bad, and what CloudFormation is told."""

import http.server
import io
import json
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

from stack import ROOT

FUNCTIONS = sorted(folder.name for folder in (ROOT / "functions").iterdir())


def make_release(url, folder: Path, text):
    """Runs infra/release on functions that consist of `text`; says in which folder it is."""
    built = folder / "built"
    built.mkdir(parents=True)
    for name in FUNCTIONS:
        with zipfile.ZipFile(built / f"{name}.zip", "w") as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, text)
    command = [sys.executable, "-B", ROOT / "infra/release", url, folder / "release", built, built]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "release"


def names(archive: bytes):
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return opened.namelist()


class Releases:
    """Serves `files` by path; `answers` are a status, part of the file, or another address."""

    def __init__(self):
        self.files, self.answers, self.asked, self.responses = {}, {}, [], []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()

    def serve(self, path, release: Path):
        for file in release.iterdir():
            self.files[f"/{path}/{file.name}"] = file.read_bytes()

    def _handler(releases):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                releases.asked.append(self.path)
                answer = releases.answers.get(self.path, [])
                answer = answer.pop(0) if answer else None
                if isinstance(answer, str):
                    self.send_response(302)
                    self.send_header("Location", answer)
                    self.end_headers()
                    return
                body = releases.files.get(self.path)
                if body is None or answer == 500:
                    self.send_error(answer or 404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[:answer])
                self.close_connection = True

            def do_PUT(self):
                length = int(self.headers["Content-Length"])
                releases.responses.append(json.loads(self.rfile.read(length)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler
