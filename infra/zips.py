"""Packs the functions' binaries, one zip each, and prints a name for their content.

It checks every binary first: Lambda would accept each mistake that this finds, and fail only at the
first invocation.
"""

import concurrent.futures
import hashlib
import re
import struct
import sys
import zipfile
from pathlib import Path

import zopfli

# The machine that an ELF file is for, and the C library of Amazon Linux 2023.
MACHINES = {"arm64": 183, "x86_64": 62}
GLIBC = 34


def main(architecture, built, out, *functions):
    functions = sorted(functions)
    programs = [Path(built, function, "bootstrap") for function in functions]
    contents = hashlib.sha256()
    for program in programs:
        contents.update(checked(program, architecture))
    zips = [Path(out, f"{function}.zip") for function in functions]
    with concurrent.futures.ProcessPoolExecutor() as pool:
        list(pool.map(pack, programs, zips))
    print(contents.hexdigest()[:16])


def checked(program, architecture):
    binary = program.read_bytes()
    machine = struct.unpack_from("<H", binary, 18)[0]
    if binary[:4] != b"\x7fELF" or machine != MACHINES[architecture]:
        sys.exit(f"{program} is not a binary for {architecture}")
    needs = max(int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", binary))
    if needs > GLIBC:
        sys.exit(f"{program} needs glibc 2.{needs}; Amazon Linux 2023 has 2.{GLIBC}")
    return binary


def pack(program, path):
    """Writes the same zip for the same program, under the name that Lambda looks for."""
    entry = zipfile.ZipInfo("bootstrap")
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o100755 << 16
    # Zopfli deflates by some 3 % more than zlib, in twenty times the time; further rounds give
    # less than 1 % more.
    with zopfli.ZipFile(path, "w", iterations=1) as archive:
        archive.writestr(entry, program.read_bytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
