"""Copies a small public image into ECR without Docker, and makes others of its layers."""

import hashlib
import json
import urllib.request

from account import Wrong

HOST, NAME, TAG = "https://public.ecr.aws", "docker/library/busybox", "1.37"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
# The same, as Docker calls it.
DOCKER = "application/vnd.docker."
TAKEN = [INDEX, MANIFEST, f"{DOCKER}distribution.manifest.list.v2+json"]
TAKEN.append(f"{DOCKER}distribution.manifest.v2+json")
PLATFORM = {"os": "linux", "architecture": "amd64"}

# The shell is process 1, which a signal ends only if it says so.
GOOD = ["sh", "-c", "trap 'exit 0' TERM; echo ready; while true; do sleep 1; done"]
BAD = ["sh", "-c", "echo 'this image is bad on purpose'; exit 1"]


def digest_of(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class WithoutToken(urllib.request.HTTPRedirectHandler):
    """The registry redirects to a store that refuses the registry's token."""

    def redirect_request(self, request, *rest):
        redirected = super().redirect_request(request, *rest)
        if redirected:
            redirected.remove_header("Authorization")
        return redirected


class PublicRegistry:
    def __init__(self, host=HOST, name=NAME):
        self.host, self.name = host, name
        self.opener = urllib.request.build_opener(WithoutToken)
        self.token = None

    def image(self, tag=TAG):
        """The configuration of an image for PLATFORM, and its layers as (digest, content)."""
        manifest = json.loads(self._get(f"manifests/{tag}"))
        if "manifests" in manifest:
            fits = [one for one in manifest["manifests"] if self._fits(one.get("platform", {}))]
            if not fits:
                raise Wrong(f"{self.name}:{tag} has no image for linux/amd64")
            manifest = json.loads(self._get(f"manifests/{fits[0]['digest']}", fits[0]["digest"]))
        config, layers = manifest["config"]["digest"], manifest["layers"]
        foreign = [one["mediaType"] for one in layers if not one["mediaType"].endswith("gzip")]
        if foreign:
            raise Wrong(f"{self.name}:{tag} has layers of an unknown kind: {foreign}")
        digests = [one["digest"] for one in layers]
        blobs = [(digest, self._get(f"blobs/{digest}", digest)) for digest in digests]
        return json.loads(self._get(f"blobs/{config}", config)), blobs

    @staticmethod
    def _fits(platform):
        return all(platform.get(key) == value for key, value in PLATFORM.items())

    def _get(self, path, digest=None):
        if self.token is None:
            scope = f"repository:{self.name}:pull"
            url = f"{self.host}/token/?service=public.ecr.aws&scope={scope}"
            with self.opener.open(url, timeout=30) as answer:
                self.token = json.load(answer)["token"]
        request = urllib.request.Request(f"{self.host}/v2/{self.name}/{path}")
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Accept", ", ".join(TAKEN))
        with self.opener.open(request, timeout=60) as answer:
            content = answer.read()
        if digest and digest_of(content) != digest:
            raise Wrong(f"{self.host}/v2/{self.name}/{path} is {digest_of(content)}")
        return content


def build(config, layers, command, version, created):
    """An image of these layers that runs `command`: its configuration and its manifest."""
    runs = dict(config.get("config") or {}, Cmd=command, Entrypoint=None)
    runs["Labels"] = {
        "org.opencontainers.image.created": created,
        "org.opencontainers.image.version": version,
    }
    changed = json.dumps(dict(config, config=runs, created=created), sort_keys=True).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": digest_of(changed), "size": len(changed)},
        "layers": [
            {"mediaType": LAYER, "digest": digest, "size": len(content)}
            for digest, content in layers
        ],
    }
    return changed, json.dumps(manifest).encode()


def push(ecr, repository, tag, config, manifest, layers):
    """Pushes an image as `docker push` does, and answers with its digest."""
    blobs = dict([*layers, (digest_of(config), config)])
    asked = {"repositoryName": repository, "layerDigests": list(blobs)}
    found = ecr.batch_check_layer_availability(**asked)["layers"]
    there = {one["layerDigest"] for one in found if one["layerAvailability"] == "AVAILABLE"}
    for digest, content in blobs.items():
        if digest not in there:
            upload(ecr, repository, digest, content)
    put = ecr.put_image(
        repositoryName=repository,
        imageManifest=manifest.decode(),
        imageManifestMediaType=MANIFEST,
        imageTag=tag,
    )
    digest = put["image"]["imageId"]["imageDigest"]
    if digest != digest_of(manifest):
        raise Wrong(f"ECR calls {repository}:{tag} {digest}, and it is {digest_of(manifest)}")
    return digest


def upload(ecr, repository, digest, content):
    begun = ecr.initiate_layer_upload(repositoryName=repository)
    size = begun["partSize"]
    for first in range(0, len(content), size):
        part = content[first : first + size]
        ecr.upload_layer_part(
            repositoryName=repository,
            uploadId=begun["uploadId"],
            partFirstByte=first,
            partLastByte=first + len(part) - 1,
            layerPartBlob=part,
        )
    ecr.complete_layer_upload(
        repositoryName=repository, uploadId=begun["uploadId"], layerDigests=[digest]
    )
