#!/usr/bin/env python3
"""Compares encoders that `dyad export --format onnx` writes, run by onnxruntime, with dyad's own features.

  scripts/lab/check_onnx.py [--dyad build/cpu/dyad]    three small encoders, every option; the code of docs/onnx.md
  scripts/lab/check_onnx.py --all                      also every depth and stem, two widths: minutes

Needs the PyPI packages onnx, onnxruntime, numpy, pillow and safetensors, and a built dyad. Downloads nothing: the
encoders are trained for two steps.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import argparse
import contextlib
import itertools
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import onnx
import onnxruntime
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file

TOLERANCE = 1e-4  # largest difference of features over their largest value, f32
TOLERANCE_F16 = 1e-2
TOLERANCE_PAGE = 2e-3  # Pillow and dyad round an 8-bit value here and there to another side
OPSET, IR = 17, 8
IMAGES = 100  # of the data set
failures = checks = 0


def check(good, text):
    global failures, checks
    checks += 1
    failures += not good
    print(f"{'passed' if good else 'FAILED'}  {text}", flush=True)


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"check_onnx: {' '.join(map(str, command))}: {done.stderr.strip()}")


def load(path):
    """An inference session of a file that the checker accepts, shapes inferred."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    if (model.ir_version, model.opset_import[0].version) != (IR, OPSET):
        sys.exit(f"check_onnx: {path}: IR {model.ir_version}, opset {model.opset_import[0].version}")
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    typed = {v.name for v in inferred.graph.value_info} | {v.name for v in model.graph.output}
    missing = [o for n in model.graph.node for o in n.output if o not in typed]
    if missing:
        sys.exit(f"check_onnx: {path}: no shape is inferred for {missing[:3]}")
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def error(ours, theirs):
    return float(abs(ours - theirs).max() / abs(theirs).max())


def as_input(images, session, about):
    """8-bit images (N,S,S,3) as the file's metadata ask for them."""
    if about["input"] == "nhwc-u8":
        return images
    x = images.astype(numpy.float32) / 255
    if about["normalize"] == "outside":
        mean, std = (numpy.array(about[k].split(","), numpy.float32) for k in ("mean", "std"))
        x = (x - mean) / std
    return numpy.ascontiguousarray(x.transpose(0, 3, 1, 2))


def batches(total):
    """Odd batches: 1, 3, 7, 1, 3, 7 ..."""
    begin = 0
    for size in itertools.cycle((1, 3, 7)):
        if begin >= total:
            return
        yield slice(begin, min(begin + size, total))
        begin += size


def compare(args, folder, name, images, ours, tensors, options):
    """Exports with the options and compares every output."""
    path = folder / "encoder.onnx"
    run(args.dyad, "export", "--run", folder / "run", "--format", "onnx", "--out", path, *options)
    session = load(str(path))
    about = session.get_modelmeta().custom_metadata_map
    outputs = [o.name for o in session.get_outputs()]
    x = as_input(images, session, about)
    fixed = session.get_inputs()[0].shape[0]
    parts = [slice(i, i + fixed) for i in range(0, len(x), fixed)] if isinstance(fixed, int) else batches(len(x))
    results = [session.run(None, {"images": x[p]}) for p in parts]
    results = {o: numpy.concatenate(r) for o, r in zip(outputs, zip(*results))}
    tolerance = TOLERANCE_F16 if about["dtype"] == "f16" else TOLERANCE
    what = f"{name}: {' '.join(options) or 'as it is'}"
    if "gap" in results:
        off = error(results["gap"], ours)
        check(off <= tolerance, f"{what}: features differ by {off:.1e}")
    if "c5" in results:
        off = error(results["c5"].mean((2, 3)), ours)
        check(off <= tolerance, f"{what}: the means of c5 differ by {off:.1e}")
    side = images.shape[1] // (4 if about["stem"] == "imagenet" else 1)
    for stage in range(1, 5):
        if f"c{stage + 1}" in results:
            last = max(int(k.split(".")[1]) for k in tensors if k.startswith(f"layer{stage}."))
            norm = max(k for k in tensors if k.startswith(f"layer{stage}.{last}.bn"))
            expected = (len(images), len(tensors[norm]), side >> stage - 1, side >> stage - 1)
            got = results[f"c{stage + 1}"].shape
            check(got == expected, f"{what}: c{stage + 1} has the shape {got}")
    for o in session.get_outputs():
        if o.shape[1:] != list(results[o.name].shape[1:]) or results[o.name].dtype != numpy.float32:
            check(False, f"{what}: {o.name} is declared {o.type} {o.shape}")
    return about


def test_images(data):
    """The test images of the data set, (N,32,32,3)."""
    raw = numpy.fromfile(Path(data) / "test_batch.bin", numpy.uint8).reshape(-1, 3073)[:, 1:]
    return numpy.ascontiguousarray(raw.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def check_encoder(args, arch, stem, width, every_option):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(args.dyad, "pretrain", "--data", args.data, "--run", folder / "run", "--arch", arch, "--stem", stem,
            "--width", width, "--batch", 8, "--steps", 2, "--optimizer", "sgd")
        run(args.dyad, "export", "--run", folder / "run", "--out", folder / "encoder.safetensors")
        run(args.dyad, "export", "--run", folder / "run", "--out", folder / "table", "--format", "npy", "--data",
            args.data)
        images = test_images(args.data)[:IMAGES]
        ours = numpy.load(folder / "table" / "features.npy")[:IMAGES]
        tensors = load_file(folder / "encoder.safetensors")
        encoder = f"{arch}, {stem} stem, width {width}"
        about = compare(args, folder, encoder, images, ours, tensors, [])
        compare(args, folder, encoder, images, ours, tensors, ["--fold-batch-norm", "--features", "c2,c3,c4,c5,gap"])
        if not every_option:
            return
        for fold in [], ["--fold-batch-norm"]:
            for normalize, dtype in itertools.product(("inside", "outside"), ("f32", "f16")):
                compare(args, folder, encoder, images, ours, tensors,
                        ["--input", "nchw-f32", "--normalize", normalize, "--dtype", dtype, *fold])
            compare(args, folder, encoder, images, ours, tensors, ["--dtype", "f16", "--features", "gap,c5", *fold])
        compare(args, folder, encoder, images, ours, tensors, ["--fixed-batch", "10"])
        size, other = 48, folder / "size.onnx"  # images of another size
        run(args.dyad, "export", "--run", folder / "run", "--format", "onnx", "--out", other, "--size", size)
        x = numpy.zeros((2, size, size, 3), numpy.uint8)
        check(load(str(other)).run(None, {"images": x})[0].shape == ours[:2].shape, f"{encoder}: --size {size}")
        with safe_open(folder / "encoder.safetensors", "np") as file:
            theirs = {k: v for k, v in file.metadata().items() if k != "format"}
        check(theirs.items() <= about.items(), f"{encoder}: metadata as of the safetensors file")


def page_code():
    """The blocks of Python in docs/onnx.md: one runs a file, one reads an image."""
    page = (Path(__file__).resolve().parents[2] / "docs/onnx.md").read_text()
    return re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def write_photographs(folder, raw):
    """Images of many shapes: mosaics of the data set's."""
    for i in range(12):
        rows, columns = 2 + i % 3, 2 + i % 4
        tiles = raw[20 * i:20 * i + rows * columns].reshape(rows, columns, 32, 32, 3)
        whole = tiles.transpose(0, 2, 1, 3, 4).reshape(rows * 32, columns * 32, 3)[i % 5:, i % 3:]
        path = folder / "ab"[i % 2] / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(whole).save(path)


def check_page(args, images):
    """The code of docs/onnx.md, of photographs of any shape, gives the features that dyad computes of the files."""
    run_code, read_code = page_code()
    for size, recipe in (48, "cifar"), (40, "imagenet"):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_photographs(folder / "data", images)
            run(args.dyad, "pretrain", "--data", folder / "data", "--run", folder / "run", "--arch", "resnet10",
                "--width", 0.25, "--batch", 8, "--steps", 2, "--size", size, "--recipe", recipe)
            run(args.dyad, "export", "--run", folder / "run", "--out", folder / "table", "--format", "npy", "--data",
                folder / "data")
            run(args.dyad, "export", "--run", folder / "run", "--out", folder / "encoder.onnx", "--format", "onnx")
            page = {}
            with contextlib.chdir(folder):
                exec(run_code, page)
                exec(read_code, page)
            what = f"docs/onnx.md, recipe {recipe}"
            check(page["features"].shape == (3, 128), f"{what}: the code gives {page['features'].shape}")
            names = (folder / "table" / "names.txt").read_text().splitlines()
            photographs = numpy.stack([page["read"](folder / "data" / n, page["about"]) for n in names])
            theirs = page["session"].run(None, {"images": photographs})[0]
            off = error(theirs, numpy.load(folder / "table" / "features.npy"))
            check(off <= TOLERANCE_PAGE, f"{what}: features of {len(names)} images differ by {off:.1e}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--dyad", default="build/cpu/dyad")
    p.add_argument("--data", default="data/samples", help="folder in CIFAR-10's format")
    p.add_argument("--all", action="store_true", help="every depth and stem, of a quarter and of the whole width")
    args = p.parse_args()
    check_encoder(args, "resnet10", "cifar", 0.25, True)
    check_encoder(args, "resnet18", "imagenet", 0.25, True)
    check_encoder(args, "resnet50", "imagenet", 0.25, False)
    if args.all:
        done = {("resnet10", "cifar", 0.25), ("resnet18", "imagenet", 0.25), ("resnet50", "imagenet", 0.25)}
        archs = "resnet10", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152"
        for case in itertools.product(archs, ("cifar", "imagenet"), (0.25, 1)):
            if case not in done:
                check_encoder(args, *case, False)
    check_page(args, test_images(args.data))
    versions = f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}"
    print(f"{versions}: {checks - failures} passed, {failures} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
