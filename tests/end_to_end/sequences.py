"""Naive sequence search, the oracle: hash sets of canonical k-mers, and a reader of the shipped files."""

import bz2
import gzip
import lzma

COMPLEMENT = str.maketrans("ACGT", "TGCA")


def text_of(path):
    """The text of a file in any of the shipped compressions; zstd through the program itself is no oracle."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt").read()
    if path.suffix == ".xz":
        return lzma.open(path, "rt").read()
    if path.suffix == ".bz2":
        return bz2.open(path, "rt").read()
    if path.suffix == ".zst":
        import zstandard

        with open(path, "rb") as file:
            return zstandard.ZstdDecompressor().stream_reader(file).read().decode()
    return path.read_text()


def records_of(path):
    """The sequences of a FASTA or FASTQ file, without their names."""
    lines = text_of(path).splitlines()
    if lines[0].startswith("@"):
        return lines[1::4]
    records = []
    for line in lines:
        if line.startswith(">"):
            records.append([])
        else:
            records[-1].append(line)
    return ["".join(parts) for parts in records]


def reverse_complement(sequence):
    return sequence.translate(COMPLEMENT)[::-1]


def canonical_kmers(sequence, k):
    """The set of canonical k-mers; windows with another letter than A, C, G, T are left out."""
    sequence = sequence.upper()
    backward = sequence.translate(COMPLEMENT)[::-1]
    length = len(sequence)
    kmers = set()
    for start in range(length - k + 1):
        window = sequence[start : start + k]
        if not window.strip("ACGT"):
            other = backward[length - k - start : length - start]
            kmers.add(min(window, other))
    return kmers
