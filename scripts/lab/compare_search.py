#!/usr/bin/env python3
"""Times the exact search of dyad and of faiss.IndexFlatIP on the same vectors, in one run.

  scripts/lab/compare_search.py [--dyad build/cpu/dyad] [--rows 1000000] [--queries 100] [--threads 2] [--turns 5]

Needs numpy and PyPI's faiss-cpu. Makes an encoder of 512 features (one step of pretraining, in a temporary folder),
embeds images of data/samples as queries, and draws the rows of the index around them at random. Both programs search
the same index alternately. Prints the median seconds of each, without the reading of the index by FAISS, which holds it
in memory, and with dyad's, which maps the file; the speed of a large matrix product by numpy, of the same width; and
whether both found the same neighbours.
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
    with open("data/samples/data_batch_1.bin", "rb") as file:
        images = file.read(record * args.queries)
    with open(path("data/data_batch_1.bin"), "wb") as file:
        file.write(images)
    run("pretrain", "--data", path("data"), "--run", path("run"), "--arch", "resnet18", "--batch", "16", "--steps", "1")
    run("embed", "--data", path("data"), "--run", path("run"), "--out", path("queries.safetensors"), "--split", "train")
    header, begin = read(path("queries.safetensors"))
    entry = header["features"]
    width = entry["shape"][1]
    raw = np.fromfile(path("queries.safetensors"), np.float32, len(images) // record * width,
                      offset=begin + entry["data_offsets"][0]).reshape(-1, width)
    queries = raw / np.linalg.norm(raw, axis=1, keepdims=True)

    # rows of unit length, each near one of the queries, in the format of dyad index
    rng = np.random.default_rng(0)
    rows = np.empty((args.rows, width), np.float32)
    for first in range(0, args.rows, 10_000):
        part = rows[first:first + 10_000]
        part[:] = rng.standard_normal(part.shape, np.float32) * 0.04 + queries[rng.integers(len(queries), size=len(part))]
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
            run("search", "--run", path("run"), "--index", path(index), "--query", path("data"), "--k", "10", "--json",
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
