#!/usr/bin/env python3
"""Makes data/samples/ from the binary version of CIFAR-10: python3 scripts/lab/make_samples.py CIFAR_DIR [OUT_DIR]

Takes the first 500 images of each class in data_batch_1.bin ... data_batch_5.bin, and the first 100 of each class in
test_batch.bin, in the order of the files. If CIFAR_DIR has a file lossy-images.txt, the images listed there are skipped:
such a copy of CIFAR-10 lacks their original bytes. The output is reproducible.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import hashlib
import pathlib
import sys

RECORD = 3073  # label, then the red, green and blue plane of 32 x 32


def choose(files, per_class, lossy):
    counts, chosen = [0] * 10, []
    for file in files:
        data = file.read_bytes()
        if len(data) % RECORD:
            sys.exit(f"{file} has {len(data):,} bytes, expected a multiple of {RECORD:,}")
        for index in range(len(data) // RECORD):
            record = data[index * RECORD : (index + 1) * RECORD]
            if counts[record[0]] < per_class and (file.name, index) not in lossy:
                counts[record[0]] += 1
                chosen.append(record)
    if min(counts) < per_class:
        sys.exit(f"a class has {min(counts)} images, expected {per_class}")
    return b"".join(chosen)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    source = pathlib.Path(sys.argv[1])
    out = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else pathlib.Path(__file__).parents[2] / "data/samples"
    lossy = set()
    if (source / "lossy-images.txt").exists():
        for line in (source / "lossy-images.txt").read_text().splitlines():
            if line and not line.startswith("#"):
                name, index, _ = line.split(maxsplit=2)
                lossy.add((name, int(index)))
    results = {
        "data_batch_1.bin": choose([source / f"data_batch_{i}.bin" for i in range(1, 6)], 500, lossy),
        "test_batch.bin": choose([source / "test_batch.bin"], 100, lossy),
        "batches.meta.txt": (source / "batches.meta.txt").read_bytes(),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, data in results.items():
        (out / name).write_bytes(data)
        print(f"{hashlib.sha256(data).hexdigest()}  {name}")


if __name__ == "__main__":
    main()
