"""A registry that stands in for public.ecr.aws: one small image, behind a token and a redirect."""

import gzip
import hashlib
import http.server
import json
import threading

NAME, TAG = "docker/library/busybox", "1.37"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = gzip.compress(b"the files of the image", mtime=0)
CONFIG = json.dumps(
    {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["sh"], "Env": ["PATH=/bin"], "Entrypoint": ["/entry"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]},
    }
).encode()


def digest_of(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class FakeRegistry:
    def __init__(self):
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "config": {"digest": digest_of(CONFIG), "size": len(CONFIG)},
                "layers": [
                    {
                        "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                        "digest": digest_of(LAYER),
                        "size": len(LAYER),
                    }
                ],
            }
        ).encode()
        platforms = [("arm64", "sha256:" + "1" * 64), ("amd64", digest_of(manifest))]
        index = {
            "mediaType": INDEX,
            "manifests": [
                {"digest": digest, "platform": {"os": "linux", "architecture": architecture}}
                for architecture, digest in platforms
            ],
        }
        self.files = {
            f"manifests/{TAG}": json.dumps(index).encode(),
            f"manifests/{digest_of(manifest)}": manifest,
            f"blobs/{digest_of(CONFIG)}": CONFIG,
            f"blobs/{digest_of(LAYER)}": LAYER,
        }
        self.leaked = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def _handler(registry):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                token = self.headers["Authorization"]
                name = f"/v2/{NAME}/"
                if self.path.startswith("/token/"):
                    self.answer(200, b'{"token": "anonymous"}')
                elif self.path.startswith("/store/"):
                    registry.leaked += [token] if token else []
                    self.answer(200, registry.files[self.path[len("/store/") :]])
                elif token != "Bearer anonymous":
                    self.answer(401, b"")
                elif self.path[len(name) :] not in registry.files:
                    self.answer(404, b"")
                elif "/blobs/" in self.path:
                    self.send_response(307)
                    self.send_header("Location", f"{registry.url}/store/{self.path[len(name) :]}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                else:
                    self.answer(200, registry.files[self.path[len(name) :]])

            def answer(self, status, content):
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        return Handler
