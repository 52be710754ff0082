"""A database with keys, as its owner uses it: nothing readable on the disk, nothing answered without the key."""

import json
import shutil

from conftest import EXAMPLES, stroma

FIRST = "main 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
SECOND = "next 202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f\n"


def test_a_quickstart_with_keys_answers_alike_and_leaves_nothing_to_read(quickstart, tmp_path):
    keys, data = tmp_path / "keys", tmp_path / "data"
    keys.write_text(FIRST)
    with_keys = ("--data", data, "--key-file", keys)
    stroma("quickstart", "--collection", EXAMPLES, *with_keys)
    search = ("search", "genomes", EXAMPLES / "genes.fasta", "--format", "tsv")
    plain = quickstart[0]
    assert stroma(*search, *with_keys).stdout == stroma(*search, "--data", plain).stdout
    export = ("export", "lab.samples")
    assert stroma(*export, *with_keys).stdout == stroma(*export, "--data", plain).stdout

    def leaks(folder):
        return [path.name for path in folder.rglob("*") if path.is_file() and b"S_aureus" in path.read_bytes()]

    assert leaks(plain) and not leaks(data)

    for command in (export, search, ("check",)):
        refused = stroma(*command, "--data", data, check=False)
        assert refused.returncode != 0 and refused.stdout == "" and "key" in refused.stderr, refused.stderr

    with keys.open("a") as file:
        file.write(SECOND)
    stroma("compact", "--rotate-keys", *with_keys)
    keys.write_text(SECOND)
    stroma("check", *with_keys)
    assert stroma(*search, *with_keys).stdout == stroma(*search, "--data", plain).stdout
    uses = json.loads(stroma("inspect", "--json", *with_keys).stdout)["documents"]["keys"]
    assert [use["key"] for use in uses] == ["next"] and uses[0]["tables"] and uses[0]["index_files"], uses

    # One file and a repaired copy are encrypted, too.
    stroma("compact", "--into", tmp_path / "lab.stroma", *with_keys)
    report = json.loads(stroma("repair", "--json", "--into", tmp_path / "rescued", *with_keys).stdout)
    assert report, report
    shutil.rmtree(data)
    assert not leaks(tmp_path)
    for copy in ("lab.stroma", "rescued"):
        shipped = stroma(*search, "--data", tmp_path / copy, "--key-file", keys)
        assert shipped.stdout == stroma(*search, "--data", plain).stdout
