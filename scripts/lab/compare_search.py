#!/usr/bin/env python3
"""Times the exact search of dyad and of faiss.IndexFlatIP on the same vectors, in one run.

  scripts/lab/compare_search.py [--run RUN] [--data DIR] [--dyad build/cpu/dyad] [--rows 1000000] [--queries 100]
                                [--threads 2] [--turns 5] [--kind exact|ivf-pq|hnsw]

Needs numpy and PyPI's faiss-cpu. Embeds the images of DIR, CIFAR-10's binary files (data/samples), with RUN (an
encoder of 512 features after 3 epochs on data/samples, made in a temporary folder). A row of the index is the features
of one of these images plus noise, whose length is the median distance of an image to its nearest neighbour. The queries
are the first images of DIR. Both programs search the same index alternately. Prints the median seconds of each, without
the reading of FAISS's indexes, which are in memory, and with that of the rows, which dyad maps; the speed of a large
matrix product by numpy, of the same width; and whether both found the same neighbours.
"""

import print_help  # noqa: F401
import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import time

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("--run")
p.add_argument("--data", default="data/samples")
p.add_argument("--dyad", default="build/cpu/dyad")
p.add_argument("--rows", type=int, default=1_000_000)
p.add_argument("--queries", type=int, default=100)
p.add_argument("--threads", type=int, default=2)
p.add_argument("--turns", type=int, default=5)
p.add_argument("--kind", default="exact", help="also time this approximate kind of dyad: ivf-pq or hnsw")
args = p.parse_args()
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # before numpy starts its threads
    os.environ[name] = str(args.threads)
os.environ["OMP_WAIT_POLICY"] = "passive"

import faiss  # noqa: E402
import numpy as np  # noqa: E402

faiss.omp_set_num_threads(args.threads)


def run(*words):
    done = subprocess.run([args.dyad, *words], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"compare_search: dyad {words[0]} failed")
    return done.stdout


def read(path):
    with open(path, "rb") as file:
        length, = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(length)), 8 + length


def median(values):
    return sorted(values)[len(values) // 2]


def matrix_speed(width):
    """GFLOP/s of a product of (8192,width) and (width,8192)."""
    a, b = np.ones((8192, width), np.float32), np.ones((width, 8192), np.float32)
    seconds = []
    for _ in range(args.turns):
        begun = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - begun)
    return 2 * 8192 * 8192 * width / min(seconds) / 1e9


with tempfile.TemporaryDirectory() as folder:
    path = lambda name: os.path.join(folder, name)  # noqa: E731
    record = 3073
    os.mkdir(path("data"))
    with open(os.path.join(args.data, "data_batch_1.bin"), "rb") as file:
        images = file.read(record * args.queries)
    with open(path("data/data_batch_1.bin"), "wb") as file:
        file.write(images)
    trained = args.run or path("run")
    if not args.run:
        run("pretrain", "--data", "data/samples", "--run", trained, "--arch", "resnet10", "--batch", "128",
            "--epochs", "3")
    run("embed", "--data", args.data, "--run", trained, "--out", path("all.safetensors"), "--split", "train")
    header, begin = read(path("all.safetensors"))
    entry = header["features"]
    count, width = entry["shape"]
    known = np.fromfile(path("all.safetensors"), np.float32, count * width,
                        offset=begin + entry["data_offsets"][0]).reshape(-1, width)
    known /= np.linalg.norm(known, axis=1, keepdims=True)
    queries = known[:args.queries].copy()

    # rows of unit length in the format of dyad index
    cosines = known[:2000] @ known.T
    np.fill_diagonal(cosines, -1)
    noise = np.median(np.sqrt(np.maximum(0, 2 - 2 * cosines.max(1)))) / np.sqrt(width)  # of each value
    rng = np.random.default_rng(0)
    rows = np.empty((args.rows, width), np.float32)
    for first in range(0, args.rows, 10_000):
        part = rows[first:first + 10_000]
        part[:] = rng.standard_normal(part.shape, np.float32) * noise + known[rng.integers(count, size=len(part))]
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    names = "".join(f"{i}\n" for i in range(args.rows)).encode()
    about = {**header["__metadata__"], "normalized": "true", "index": "exact"}
    about.pop("classes", None)
    text = json.dumps({"__metadata__": about,
                       "features": {"dtype": "F32", "shape": list(rows.shape), "data_offsets": [0, rows.nbytes]},
                       "names": {"dtype": "U8", "shape": [len(names)],
                                 "data_offsets": [rows.nbytes, rows.nbytes + len(names)]}}).encode()
    text += b" " * (-len(text) % 8)
    with open(path("index.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        rows.tofile(file)
        file.write(names)

    flat = faiss.IndexFlatIP(width)
    flat.add(rows)
    searches = {"dyad exact": "index.safetensors"}
    if args.kind != "exact":
        print(run("index", "--embeddings", path("index.safetensors"), "--out", path("some.safetensors"), "--kind",
                  args.kind).splitlines()[0])
        searches["dyad " + args.kind] = "some.safetensors"
    ours, theirs, peak = {name: [] for name in searches}, [], []
    for _ in range(args.turns):
        for name, index in searches.items():
            run("search", "--run", trained, "--index", path(index), "--query", path("data"), "--k", "10", "--json",
                path(index + ".json"))
            found = json.load(open(path(index + ".json")))
            ours[name].append(found["seconds"])
        begun = time.perf_counter()
        products, ids = flat.search(queries, 10)
        theirs.append(time.perf_counter() - begun)
        peak.append(matrix_speed(width))

    work = 2 * args.rows * len(queries) * width / 1e9
    found = json.load(open(path("index.safetensors.json")))["queries"]
    same = sum({n["row"] for n in f["neighbours"]} == set(i.tolist()) for f, i in zip(found, ids))
    print(f"{args.rows:,} x {width} f32, {len(queries)} queries, {args.threads} threads, median of {args.turns} turns")
    for name, seconds in ours.items():
        print(f"  {name:<18} {median(seconds):.3f} s   {work / median(seconds):.0f} GFLOP/s")
    print(f"  {'faiss.IndexFlatIP':<18} {median(theirs):.3f} s   {work / median(theirs):.0f} GFLOP/s   faiss {faiss.__version__}")
    print(f"  {'numpy product':<18}           {median(peak):.0f} GFLOP/s   (8192,{width}) x ({width},8192)")
    print(f"  the same 10 neighbours for {same} of {len(queries)} queries")
