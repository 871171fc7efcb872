"""The public image: fetched from a registry that behaves like public.ecr.aws, and built anew."""

import json
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "infra/smoke")]

import images  # noqa: E402
from account import Wrong  # noqa: E402
from fake_aws import FakeAws  # noqa: E402
from fake_registry import CONFIG, LAYER, FakeRegistry, digest_of  # noqa: E402

CREATED = "2026-11-21T09:00:00Z"


class Fetching(unittest.TestCase):
    def setUp(self):
        self.fake = self.enterContext(FakeRegistry())
        self.registry = images.PublicRegistry(self.fake.url)

    def test_the_image_of_the_platform(self):
        config, layers = self.registry.image()
        self.assertEqual(config, json.loads(CONFIG))
        self.assertEqual(layers, [(digest_of(LAYER), LAYER)])

    def test_the_store_behind_the_registry_does_not_see_the_token(self):
        self.registry.image()
        self.assertEqual(self.fake.leaked, [])

    def test_other_content_than_its_digest_says_is_refused(self):
        self.fake.files[f"blobs/{digest_of(LAYER)}"] = b"something else"
        with self.assertRaisesRegex(Wrong, "/blobs/sha256:[0-9a-f]+ is sha256:"):
            self.registry.image()

    def test_an_image_for_other_platforms_only(self):
        index = json.loads(self.fake.files["manifests/1.37"])
        index["manifests"].pop()
        self.fake.files["manifests/1.37"] = json.dumps(index).encode()
        with self.assertRaisesRegex(Wrong, "has no image for linux/amd64"):
            self.registry.image()


class Building(unittest.TestCase):
    def setUp(self):
        self.layers = [(digest_of(LAYER), LAYER)]

    def build(self, command, version="v1.0.0"):
        return images.build(json.loads(CONFIG), self.layers, command, version, CREATED)

    def test_the_configuration_keeps_all_but_what_runs(self):
        config, _ = self.build(images.GOOD)
        config = json.loads(config)
        self.assertEqual(config["rootfs"], json.loads(CONFIG)["rootfs"])
        self.assertEqual((config["os"], config["architecture"]), ("linux", "amd64"))
        runs = config["config"]
        self.assertEqual((runs["Cmd"], runs["Entrypoint"]), (images.GOOD, None))
        self.assertEqual(runs["Env"], ["PATH=/bin"])
        self.assertEqual(runs["Labels"]["org.opencontainers.image.created"], CREATED)

    def test_the_manifest_names_what_is_pushed(self):
        config, manifest = self.build(images.BAD)
        manifest = json.loads(manifest)
        self.assertEqual(manifest["mediaType"], images.MANIFEST)
        self.assertEqual(manifest["config"]["digest"], digest_of(config))
        self.assertEqual(manifest["config"]["size"], len(config))
        layer = {"mediaType": images.LAYER, "digest": digest_of(LAYER), "size": len(LAYER)}
        self.assertEqual(manifest["layers"], [layer])

    def test_every_version_is_another_image(self):
        manifests = {self.build(images.GOOD, version)[1] for version in ("v1", "v2", "v1")}
        self.assertEqual(len(manifests), 2)

    def test_pushing_uploads_in_parts_and_only_what_is_missing(self):
        aws = FakeAws()
        aws.name = "slipway-smoke-1a2b"
        ecr = aws.client("ecr")
        for version, uploads in (("v1.0.0", 2), ("v1.1.0", 1)):
            aws.calls.clear()
            config, manifest = self.build(images.GOOD, version)
            digest = images.push(ecr, "repository", version, config, manifest, self.layers)
            self.assertEqual(digest, digest_of(manifest))
            self.assertEqual(aws.calls.count("ecr:complete_layer_upload"), uploads)
            self.assertEqual(aws.blobs[digest_of(config)], config)
            self.assertEqual(aws.blobs[digest_of(LAYER)], LAYER)


if __name__ == "__main__":
    unittest.main()
