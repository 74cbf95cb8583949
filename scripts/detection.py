#!/usr/bin/env python3
"""Trains a detector on an encoder of dyad and measures it: torchvision's Faster R-CNN or RetinaNet with an FPN.

  scripts/detection.py --weights encoder.safetensors --train train.json --test test.json
                       [--start finetune|frozen|fresh|untrained] [--detector fasterrcnn|retinanet] [--images DIR]
                       [--fraction 1] [--epochs 12 | --steps N] [--batch 8] [--lr auto] [--min-size 800]
                       [--channels 256] [--regions 512] [--seed 0] [--device cpu|cuda] [--json FILE]

The encoder is a file of `dyad export` with the ImageNet stem. --start: frozen trains the detector on it as it is,
finetune trains the encoder too, batch norms included (MoCo, section 4.2). Two floors draw the encoder from the seed:
fresh trains it, untrained leaves its weights as they were drawn and only measures its batch norms' statistics. --train
and --test are annotations of COCO (.json), Pascal VOC (a list of ImageSets/Main) or YOLO (a folder of images);
scripts/lab/boxes.py says where each finds its pictures. --fraction trains with that part of the pictures, drawn from
the seed; --steps trains equally long for each part. Prints COCO's average precision: AP (mean over IoU 0.5 to 0.95),
AP50, AP75. Needs torch, torchvision, safetensors and pycocotools.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lab"))
import print_help  # noqa: E402, F401  (first: --help needs no package)

import argparse
import contextlib
import io
import json
import math
import random
import time

import torch
import torchvision
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from safetensors import SafetensorError
from torchvision.models.detection import FasterRCNN, RetinaNet
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import FrozenBatchNorm2d
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool, LastLevelP6P7
from torchvision.transforms.functional import hflip, pil_to_tensor

import boxes
import torch_simclr

LR_PER_IMAGE = 0.02 / 16  # of Faster R-CNN with FPN; RetinaNet takes half (both as torchvision's references)
MOMENTUM, WEIGHT_DECAY, WARMUP_STEPS, LARGEST_GRADIENT = 0.9, 1e-4, 100, 10.0


def stop(code, text):
    print(f"detection: {text}", file=sys.stderr)
    sys.exit(code)


def freeze_norms(module):
    """Batch norms as constants, for an encoder that stays as it is."""
    for name, child in module.named_children():
        if isinstance(child, torch.nn.BatchNorm2d):
            frozen = FrozenBatchNorm2d(child.num_features, eps=child.eps)
            frozen.load_state_dict({k: v for k, v in child.state_dict().items() if k != "num_batches_tracked"})
            setattr(module, name, frozen)
        else:
            freeze_norms(child)


def make_detector(args, classes):
    """(detector, metadata of the encoder's file). Class 0 is the background."""
    try:
        encoder, about = torch_simclr.load_encoder(args.weights)
    except (OSError, SafetensorError, KeyError, TypeError, RuntimeError) as e:
        stop(65, f"{args.weights}: {str(e).splitlines()[0]}, expected an encoder of dyad export")
    if about["stem"] != "imagenet":
        stop(65, f"{args.weights}: has the {about['stem']} stem, whose maps are as large as the image; expected one "
                 "that was pretrained with --stem imagenet")
    if args.start in ("fresh", "untrained"):  # whose batch norms have no statistics yet
        encoder = torch_simclr.ResNet(about["arch"], about["stem"], float(about["width"]))
    if args.start == "frozen":
        freeze_norms(encoder)
    encoder.requires_grad_(args.start in ("fresh", "finetune"))
    first = 1 if args.detector == "fasterrcnn" else 2  # RetinaNet has no level of stride 4
    widths = [next(p.shape[0] for n, p in reversed(list(getattr(encoder, f"layer{i}").named_parameters()))
                   if p.ndim == 4 and "downsample" not in n) for i in range(first, 5)]
    extra = LastLevelMaxPool() if first == 1 else LastLevelP6P7(args.channels, args.channels)
    body = BackboneWithFPN(encoder, {f"layer{i}": str(i - first) for i in range(first, 5)}, widths, args.channels,
                           extra)
    mean, std = ([float(v) for v in about[k].split(",")] for k in ("mean", "std"))
    how = {"min_size": args.min_size, "max_size": round(args.min_size * 1333 / 800), "image_mean": mean,
           "image_std": std}
    if first == 2:
        return RetinaNet(body, len(classes) + 1, **how), about
    # torchvision's own heads at 256 channels: 1,024 values a region
    head = TwoMLPHead(args.channels * 7 * 7, 4 * args.channels)
    classifier = FastRCNNPredictor(4 * args.channels, len(classes) + 1)
    return FasterRCNN(body, box_head=head, box_predictor=classifier, box_batch_size_per_image=args.regions,
                      **how), about


def load_picture(picture):
    try:
        with Image.open(picture.path) as image:
            x = pil_to_tensor(image.convert("RGB")).float() / 255
    except OSError as e:
        stop(65, f"{picture.path}: {e}, expected an image")
    if x.shape[1:] != (picture.height, picture.width):
        stop(65, f"{picture.path}: is {x.shape[2]} x {x.shape[1]} pixels, but its annotation says {picture.width} x "
                 f"{picture.height}")
    return x


def example(picture, classes, rng):
    """(image, target) as torchvision's detectors take them, mirrored half of the times."""
    image = load_picture(picture)
    kept = [b for b in picture.boxes if not b.ignored]
    corners = torch.tensor([[b.x, b.y, b.x + b.width, b.y + b.height] for b in kept]).float().reshape(-1, 4)
    labels = torch.tensor([classes.index(b.label) + 1 for b in kept]).long()
    if rng.random() < 0.5:
        image = hflip(image)
        corners[:, [0, 2]] = picture.width - corners[:, [2, 0]]
    return image, {"boxes": corners, "labels": labels}


def train(args, detector, pictures, classes):
    trained = [p for p in detector.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=args.lr, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    steps = args.steps or math.ceil(len(pictures) / args.batch) * args.epochs
    warmup = max(1, min(WARMUP_STEPS, steps // 10))
    rate = torch.optim.lr_scheduler.LambdaLR(  # a linear warm-up, then a cosine
        optimizer, lambda s: min((s + 1) / warmup, (1 + math.cos(math.pi * s / steps)) / 2))
    rng, begun, step, epoch = random.Random(args.seed), time.time(), 0, 0
    while step < steps:
        detector.train()
        order, total = rng.sample(pictures, len(pictures)), 0.0
        order = order[:args.batch * (steps - step)]
        for at in range(0, len(order), args.batch):
            batch = [example(p, classes, rng) for p in order[at:at + args.batch]]
            losses = detector([x.to(args.device) for x, _ in batch],
                              [{k: v.to(args.device) for k, v in t.items()} for _, t in batch])
            loss = sum(losses.values())
            if not torch.isfinite(loss):
                stop(1, f"step {step + 1}: the loss is {loss.item()}, at --lr {args.lr:g}; a smaller one may train")
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, LARGEST_GRADIENT)
            optimizer.step()
            rate.step()
            step += 1
            total += loss.item() * len(batch)
        epoch += 1
        print(f"epoch {epoch}, step {step}/{steps}  loss {total / len(order):.4f}  {time.time() - begun:.0f} s",
              flush=True)


def truth(pictures, classes):
    """COCO's object of the boxes, whatever format they were read from."""
    coco = COCO()
    annotations = [(i, b) for i, p in enumerate(pictures) for b in p.boxes]
    coco.dataset = {
        "images": [{"id": i, "width": p.width, "height": p.height} for i, p in enumerate(pictures)],
        "categories": [{"id": i, "name": c} for i, c in enumerate(classes, 1)],
        "annotations": [{"id": n, "image_id": i, "category_id": classes.index(b.label) + 1,
                         "bbox": [b.x, b.y, b.width, b.height], "area": b.width * b.height, "iscrowd": int(b.ignored)}
                        for n, (i, b) in enumerate(annotations, 1)]}
    coco.createIndex()
    return coco


def average_precision(pictures, classes, found):
    """AP, AP50 and AP75. found: dictionaries with image_id, category_id, bbox and score."""
    if not found:
        return 0.0, 0.0, 0.0
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        coco = truth(pictures, classes)
        evaluation = COCOeval(coco, coco.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return tuple(float(v) for v in evaluation.stats[:3])


@torch.no_grad()
def detect(args, detector, pictures):
    detector.eval()
    found = []
    for i, p in enumerate(pictures):
        result = detector([load_picture(p).to(args.device)])[0]
        columns = (result[k].tolist() for k in ("boxes", "labels", "scores"))
        for (left, top, right, bottom), label, score in zip(*columns):
            found.append({"image_id": i, "category_id": label, "score": score,
                          "bbox": [left, top, right - left, bottom - top]})
    return found


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--weights", required=True, help="encoder of dyad export, safetensors")
    p.add_argument("--train", required=True, help="annotations to train with")
    p.add_argument("--test", required=True, help="annotations to measure with")
    p.add_argument("--images", help="folder of the pictures of COCO's JSON, of both splits")
    p.add_argument("--start", choices=("finetune", "frozen", "fresh", "untrained"), default="finetune")
    p.add_argument("--detector", choices=("fasterrcnn", "retinanet"), default="fasterrcnn")
    p.add_argument("--fraction", type=float, default=1.0, help="part of the pictures of --train to train with")
    p.add_argument("--epochs", type=int, default=12)
    p.add_argument("--steps", type=int, default=0, help="number of steps, in place of --epochs")
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--lr", type=float, help="learning rate; default: 0.00125 times --batch, of RetinaNet half of it")
    p.add_argument("--min-size", type=int, default=800, help="pixels that the shorter side of a picture is resized to")
    p.add_argument("--channels", type=int, default=256, help="channels of the pyramid; a quarter of those of the heads")
    p.add_argument("--regions", type=int, default=512, help="of a picture that Faster R-CNN's head is trained on")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--device", default="cpu")
    p.add_argument("--json", help="file for the result")
    args = p.parse_args()
    if min(args.epochs, args.batch, args.channels, args.regions) < 1 or args.min_size < 32 or args.steps < 0:
        stop(2, "--epochs, --batch, --channels and --regions: expected at least 1; --min-size: at least 32; --steps: "
                "at least 0")
    if not 0 < args.fraction <= 1 or (args.lr is not None and not args.lr > 0):
        stop(2, "--fraction: expected more than 0 and at most 1; --lr: more than 0")
    if args.json and not Path(args.json).absolute().parent.is_dir():
        stop(2, f"--json {args.json}: there is no such folder")
    if args.lr is None:
        args.lr = LR_PER_IMAGE * args.batch * (1 if args.detector == "fasterrcnn" else 0.5)
    return args


def main():
    args = arguments()
    try:
        (learned, *lost), (tested, *lost_test) = (boxes.read_boxes(p, args.images) for p in (args.train, args.test))
    except boxes.BadData as e:
        stop(65, str(e))
    print(f"train: {boxes.describe(learned, *lost)}\ntest: {boxes.describe(tested, *lost_test)}")
    classes = sorted({b.label for p in learned for b in p.boxes if not b.ignored})
    unknown = sorted({b.label for p in tested for b in p.boxes} - set(classes))
    if unknown:
        stop(65, f"{args.test}: has the class {unknown[0]}, which {args.train} has no box of")
    if args.fraction < 1:
        learned = random.Random(args.seed).sample(learned, max(1, round(args.fraction * len(learned))))
        print(f"trained with {len(learned)} pictures, {sum(len(p.boxes) for p in learned)} boxes")
    torch.manual_seed(args.seed)
    detector, about = make_detector(args, classes)
    detector.to(args.device)
    print(f"{args.detector} on {about['arch']} x {about['width']}, {args.start}, torchvision {torchvision.__version__}")
    train(args, detector, learned, classes)
    ap, ap50, ap75 = average_precision(tested, classes, detect(args, detector, tested))
    print(f"AP {100 * ap:.1f}  AP50 {100 * ap50:.1f}  AP75 {100 * ap75:.1f}  ({len(tested)} pictures)")
    if args.json:
        result = {k: v for k, v in vars(args).items() if k != "json"}
        result |= {"encoder_hash": about["encoder_hash"], "classes": classes, "ap": ap, "ap50": ap50, "ap75": ap75}
        partial = Path(f"{args.json}.partial")  # the file appears complete or not at all
        partial.write_text(json.dumps(result, indent=2) + "\n")
        partial.rename(args.json)


if __name__ == "__main__":
    main()
