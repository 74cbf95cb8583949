#!/usr/bin/env python3
"""Compares every figure of `dyad retrieval` with one computed here from its definition: at most 1e-9 apart.

  scripts/lab/check_retrieval.py --run RUN [--data DIR] [--dyad build/cpu/dyad] [--queries N]
  scripts/lab/check_retrieval.py --golden tests/golden/retrieval.json    writes random features and their figures

It takes the features from `dyad export --data`, and ranks them with numpy in f64. Average precision is also compared
with scikit-learn's, and mAP@R, R-precision and recall@1 with pytorch-metric-learning's, if that is installed.
--queries: of scikit-learn, which is slow. Needs numpy and scikit-learn. CI compares dyad with the file of --golden.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
from sklearn.metrics import average_precision_score

try:
    import torch
    from pytorch_metric_learning.distances import CosineSimilarity
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
    from pytorch_metric_learning.utils.inference import CustomKNN
except ImportError:
    torch = None

TOLERANCE = 1e-9
failures = 0


def check(name, ours, theirs):
    global failures
    off = abs(ours - theirs)
    failures += not off <= TOLERANCE
    verdict = "passed" if off <= TOLERANCE else "FAILED"
    print(f"{verdict}  {name}: dyad {ours:.12f}, here {theirs:.12f}, apart {off:.1e}", flush=True)


def dyad(args, *words):
    done = subprocess.run([args.dyad, *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"check_retrieval: {args.dyad} {' '.join(map(str, words))}: {done.stderr.strip()}")


# ---- the definitions ----

def units(x):
    x = x.astype(numpy.float64)
    return x / numpy.sqrt((x * x).sum(1, keepdims=True))


def ordered(cosines, left_out=()):
    """Rows of the database, the greatest cosine first, equal ones by their index, without those that are left out."""
    order = numpy.lexsort((numpy.arange(len(cosines)), -cosines))
    return order[~numpy.isin(order, list(left_out))]


def cosines_of(query, database):
    return (database * query).sum(1)  # the same order of adding for every row, so that equal rows give equal cosines


def figures_of(good):
    """good: whether each row of a ranking is relevant."""
    r = int(good.sum())
    precision = numpy.cumsum(good) / numpy.arange(1, len(good) + 1)
    return {**{f"recall@{k}": float(good[:k].any()) for k in (1, 5, 10)},
            **{f"precision@{k}": good[:k].sum() / k for k in (5, 10)},
            "mAP": precision[good].sum() / r,
            "mAP@R": (precision[:r] * good[:r]).sum() / r,
            "R-precision": good[:r].sum() / r}


def means(rows):
    return {name: float(numpy.mean([row[name] for row in rows])) for name in rows[0]} if rows else {}


def by_classes(database, labels, queries, query_labels, leave_one_out, most_sklearn):
    """The figures of each query, and average precision by scikit-learn of the first queries."""
    database, queries, found, classes, pairs = units(database), units(queries), [], [], []
    for i, query in enumerate(queries):
        cosines = cosines_of(query, database)
        good = labels[ordered(cosines, [i] if leave_one_out else [])] == query_labels[i]
        if not good.any():
            continue
        found.append(figures_of(good))
        classes.append(int(query_labels[i]))
        others = numpy.arange(len(cosines)) != i if leave_one_out else numpy.full(len(cosines), True)
        if len(pairs) < most_sklearn and len(numpy.unique(cosines[others])) == others.sum():  # it orders ties otherwise
            pairs.append((found[-1]["mAP"],
                          average_precision_score(labels[others] == query_labels[i], cosines[others])))
    return found, numpy.array(classes), pairs


def revisited(cosines, relevant, left_out):
    """Average precision by the trapezoidal rule and bounded precision@k, as revisitop's evaluate.py: ranks from 0."""
    places = numpy.flatnonzero(numpy.isin(ordered(cosines, left_out), list(relevant)))
    if len(places) == 0:
        return None
    area = 0.0
    for found, place in enumerate(places):
        before = 1.0 if place == 0 else found / place
        area += (before + (found + 1) / (place + 1)) / 2 / len(places)
    row = {"mAP": area}
    for k in (1, 5, 10):
        last = min(int(places.max()) + 1, k)
        row[f"mP@{k}"] = (places + 1 <= last).sum() / last
    return row


def by_protocol(database, queries, lists):
    database, queries, rows = units(database), units(queries), {}
    for task, good, bad in (("easy", ["easy"], ["junk", "hard"]), ("medium", ["easy", "hard"], ["junk"]),
                            ("hard", ["hard"], ["junk", "easy"])):
        found = []
        for query, of_query in zip(queries, lists):
            join = lambda keys: [row for key in keys for row in of_query[key]]
            row = revisited(cosines_of(query, database), join(good), join(bad))
            if row:
                found.append(row)
        rows |= {f"{task} {name}": value for name, value in means(found).items()}
    return rows


# ---- comparisons ----

def compare_with_packages(name, ours, database, labels, queries, query_labels, leave_one_out, pairs):
    if pairs:
        check(f"{name}: average precision of {len(pairs)} queries, scikit-learn",
              float(numpy.mean([a for a, _ in pairs])), float(numpy.mean([b for _, b in pairs])))
    if torch is None:
        return print(f"skipped {name}: pytorch-metric-learning is not installed")
    asked, known = torch.from_numpy(units(queries)), torch.from_numpy(units(database))
    neighbours = CustomKNN(CosineSimilarity(), batch_size=64)
    in_f64 = lambda query, k, reference, itself: neighbours(asked, k, known, itself)  # the package passes f32
    calculator = AccuracyCalculator(include=("mean_average_precision_at_r", "r_precision", "precision_at_1"),
                                    k="max_bin_count", knn_func=in_f64)
    found = calculator.get_accuracy(asked, query_labels, known, labels, ref_includes_query=leave_one_out)
    for key, theirs in (("mAP@R", "mean_average_precision_at_r"), ("R-precision", "r_precision"),
                        ("recall@1", "precision_at_1")):
        check(f"{name}: {key}, pytorch-metric-learning", ours[key], float(found[theirs]))


def exported(args, folder, split):
    dyad(args, "export", "--run", args.run, "--data", args.data, "--split", split, "--format", "npy", "--out",
         folder / split)
    return numpy.load(folder / split / "features.npy"), numpy.load(folder / split / "labels.npy")


def compare_run(args, folder):
    test, test_labels = exported(args, folder, "test")
    train, train_labels = exported(args, folder, "train")
    for name, words, data in (("train", [], (train, train_labels, test, test_labels, False)),
                              ("others", ["--database", "others"], (test, test_labels, test, test_labels, True))):
        out = folder / f"{name}.json"
        dyad(args, "retrieval", "--run", args.run, "--data", args.data, "--no-floors", "--out", folder / name, "--json",
             out, *words)
        result = json.loads(out.read_text())
        ours, (rows, classes, pairs) = result["figures"]["trained"], by_classes(*data, args.queries)
        for key, theirs in means(rows).items():
            check(f"{name}: {key}", ours[key], theirs)
        apart = 0.0
        for key in rows[0]:
            for c in numpy.unique(classes):
                own = numpy.mean([row[key] for row, label in zip(rows, classes) if label == c])
                apart = max(apart, abs(own - result["by_class"][key][c]))
        check(f"{name}: the largest difference of a class", apart, 0.0)
        compare_with_packages(name, ours, *data, pairs)
    compare_protocol(args, folder, train, train_labels)


def compare_protocol(args, folder, features, labels):
    """Lists by class, drawn by a seed: a third of the query's class each is easy, hard and junk."""
    random = numpy.random.default_rng(1)
    asked = random.choice(len(labels), 40, replace=False)
    rows = numpy.setdiff1d(numpy.arange(len(labels)), asked)
    lists = []
    for query in asked:
        own = random.permutation(numpy.flatnonzero(labels[rows] == labels[query]))[:60]
        lists.append({"easy": own[:20].tolist(), "hard": own[20:40].tolist(), "junk": own[40:].tolist()})
    lists[0]["easy"] = []  # a query without an image to find doesn't count
    entries = [str(i) for i in range(len(labels))]
    protocol = {"queries": [{"image": entries[q], **{k: [entries[rows[r]] for r in v] for k, v in of.items()}}
                            for q, of in zip(asked, lists)]}
    file, out = folder / "protocol.json", folder / "by_protocol.json"
    file.write_text(json.dumps(protocol))
    dyad(args, "retrieval", "--run", args.run, "--data", args.data, "--no-floors", "--out", folder / "p", "--json", out,
         "--protocol", file)
    ours = json.loads(out.read_text())["figures"]["trained"]
    for key, theirs in by_protocol(features[rows], features[asked], lists).items():
        check(f"protocol: {key}", ours[key], theirs)


def write_golden(path):
    """Random features around a mean for each class, some of them equal, so that there are ties."""
    random = numpy.random.default_rng(20)
    draw = lambda labels: numpy.round(64 * (centres[labels] + random.normal(size=(len(labels), 6)))) / 64
    centres = random.normal(size=(4, 6))
    labels, query_labels = random.integers(0, 4, 90), random.integers(0, 4, 25)
    query_labels[3] = 4  # a class without an image in the database
    centres = numpy.vstack([centres, numpy.ones((1, 6))])
    database, queries = draw(labels), draw(query_labels)
    database[40:50] = database[10:20]  # ties
    database[60] = 2 * database[20]    # the same direction
    lists = [{key: sorted(random.choice(90, 40, replace=False)[i * 10:i * 10 + 10].tolist()) for i, key in
              enumerate(("easy", "hard"))} for _ in queries]
    for of_query in lists:
        of_query["hard"] = [r for r in of_query["hard"] if r not in of_query["easy"]]
        of_query["junk"] = [r for r in range(0, 90, 9) if r not in of_query["easy"] + of_query["hard"]]
    train, classes, _ = by_classes(database, labels, queries, query_labels, False, 0)
    others, _, _ = by_classes(database, labels, database, labels, True, 0)
    Path(path).write_text(json.dumps({
        "database": database.tolist(), "labels": labels.tolist(), "queries": queries.tolist(),
        "query_labels": query_labels.tolist(), "lists": lists, "train": means(train), "others": means(others),
        "class 1": means([row for row, c in zip(train, classes) if c == 1]),
        "protocol": by_protocol(database, queries, lists)}) + "\n")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--dyad", default="build/cpu/dyad")
    p.add_argument("--data", default="data/samples", help="folder in CIFAR-10's format")
    p.add_argument("--run")
    p.add_argument("--queries", type=int, default=500)
    p.add_argument("--golden")
    args = p.parse_args()
    if args.golden:
        return write_golden(args.golden)
    if not args.run:
        p.error("--run is missing: a run of dyad pretrain")
    with tempfile.TemporaryDirectory() as folder:
        compare_run(args, Path(folder))
    print(f"check_retrieval: {failures} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
