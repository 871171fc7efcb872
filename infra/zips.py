"""Looks into the functions' zips, and answers with a name for what is in them.

Lambda would take every mistake that this finds, and show it at the first invocation only.
"""

import hashlib
import re
import struct
import sys
import zipfile

# The machine that an ELF file is for, and the C library of Amazon Linux 2023.
MACHINES = {"arm64": 183, "x86_64": 62}
GLIBC = 34


def main(architecture, *paths):
    contents = hashlib.sha256()
    for path in sorted(paths):
        binary = bootstrap(path)
        machine = struct.unpack_from("<H", binary, 18)[0]
        if binary[:4] != b"\x7fELF" or machine != MACHINES[architecture]:
            sys.exit(f"{path}: bootstrap is no program for {architecture}")
        needs = max(int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", binary))
        if needs > GLIBC:
            sys.exit(f"{path}: bootstrap needs glibc 2.{needs}; Amazon Linux 2023 has 2.{GLIBC}")
        contents.update(binary)
    print(contents.hexdigest()[:16])


def bootstrap(path):
    with zipfile.ZipFile(path) as archive:
        if archive.namelist() != ["bootstrap"]:
            sys.exit(f"{path}: it holds {archive.namelist()}; Lambda starts a file named bootstrap")
        mode = archive.getinfo("bootstrap").external_attr >> 16
        if mode & 0o111 != 0o111:
            sys.exit(f"{path}: bootstrap may not be executed by everyone: {mode:o}")
        return archive.read("bootstrap")


main(*sys.argv[1:])
