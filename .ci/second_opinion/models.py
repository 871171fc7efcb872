"""Unpacks Amazon's own models of its services, which botocore carries, and says where they are."""

import gzip
import sys
from pathlib import Path

import botocore

SERVICES = ("cloudwatch", "ecr", "ecs", "elbv2", "iam", "logs", "secretsmanager", "sns", "ssm")


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for service in SERVICES:
        versions = (Path(botocore.__file__).parent / "data" / service).glob("*/service-2.json.gz")
        packed = max(versions)
        (folder / f"{service}.json").write_bytes(gzip.decompress(packed.read_bytes()))
    print(folder.resolve())


if __name__ == "__main__":
    main()
