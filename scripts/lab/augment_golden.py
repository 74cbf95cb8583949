#!/usr/bin/env python3
"""Writes tests/golden/augment.bin: images, parameters of views, and torchvision's results.

Needs torch and torchvision (CPU); the tests need only the file. See docs/kernels/augment.md.
File format, little-endian: "DYADAUG1"; i32 number of cases; for each case: 16 bytes of name, i32 size, i64 bytes of
the source pixels, the source (HWC), the view (struct kernels::View), the result (size x size x 3, 8-bit).
"""

import print_help  # noqa: F401  (first: --help needs no package)

import argparse
import struct

import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

JITTER = {"none": 0, "brightness": 1, "contrast": 2, "saturation": 3, "hue": 4}


def view(height, width, **changes):
    """The view that resizes a whole image, bilinear with antialias, and applies no op."""
    v = dict(height=height, width=width, top=0, left=0, crop_height=height, crop_width=width, angle=0.0, jitter=[],
             blur_sigma=0.0, blur_kernel=0, solarize=256, flip=0, grayscale=0, bicubic=0, antialias=1)
    v.update(changes)
    return v


def pack(v, offset=0):
    jitter = list(v["jitter"]) + [("none", 0.0)] * (4 - len(v["jitter"]))
    return struct.pack("<q6if4ffii4B4B", offset, v["height"], v["width"], v["top"], v["left"], v["crop_height"],
                       v["crop_width"], v["angle"], *(factor for _, factor in jitter), v["blur_sigma"],
                       v["blur_kernel"], v["solarize"], *(JITTER[op] for op, _ in jitter), v["flip"],
                       v["grayscale"], v["bicubic"], v["antialias"])


def unpack(raw):
    """(view, offset) of the 72 bytes of struct kernels::View."""
    f = struct.unpack("<q6if4ffii4B4B", raw)
    names = {number: op for op, number in JITTER.items()}
    v = dict(zip(("height", "width", "top", "left", "crop_height", "crop_width", "angle"), f[1:8]))
    v["jitter"] = [(names[op], factor) for op, factor in zip(f[15:19], f[8:12]) if op != 0]
    v |= dict(zip(("blur_sigma", "blur_kernel", "solarize"), f[12:15]))
    v |= dict(zip(("flip", "grayscale", "bicubic", "antialias"), f[19:23]))
    return v, f[0]


def f32(x):
    """A parameter rounded to the view's 32 bits."""
    return struct.unpack("<f", struct.pack("<f", x))[0]


def apply(image, v, size):
    """image: (3,H,W) u8 -> (3,size,size) u8, by torchvision's functions."""
    mode = InterpolationMode.BICUBIC if v["bicubic"] else InterpolationMode.BILINEAR
    image = F.pad(image, [0, 0, 1, 1])  # the crop removes it; torch 2.15 can't shrink a contiguous image to 1 x 1
    y = F.resized_crop(image, v["top"], v["left"], v["crop_height"], v["crop_width"], [size, size], mode,
                       bool(v["antialias"]))
    if v["flip"]:
        y = F.horizontal_flip(y)
    if v["angle"]:
        y = F.rotate(y, f32(v["angle"]), InterpolationMode.BILINEAR)
    for op, factor in v["jitter"]:
        y = getattr(F, "adjust_" + op)(y, f32(factor))
    if v["grayscale"]:
        y = F.rgb_to_grayscale(y, num_output_channels=3)
    if v["blur_sigma"]:
        y = F.gaussian_blur(y, v["blur_kernel"], f32(v["blur_sigma"]))
    if v["solarize"] < 256:
        y = F.solarize(y, v["solarize"])
    return y


def photograph(height, width, generator):
    """An image with edges, gradients, flat parts and noise, and every value from 0 to 255."""
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    draw = lambda *shape: torch.rand(*shape, generator=generator)
    image = torch.empty(3, height, width)
    for c in range(3):
        a, b, p = (draw(3) * torch.tensor([6.0, 6.0, 6.28])).tolist()
        image[c] = 0.5 + 0.5 * torch.sin(a * x + b * y + p)
    for _ in range(4):  # rectangles of one color, some black, gray or white
        t, l = int(draw(1) * height), int(draw(1) * width)
        color = draw(3, 1, 1) if draw(1) < 0.6 else draw(1).round().expand(3).reshape(3, 1, 1)
        image[:, t:t + height // 3 + 1, l:l + width // 3 + 1] = color
    image += 0.08 * torch.randn(3, height, width, generator=generator) * (x > 0.5)
    return (image * 255).round().clamp(0, 255).to(torch.uint8)


def cases(generator):
    """(name, height, width, size, changes of the view)"""
    box = dict(top=3, left=5, crop_height=20, crop_width=17)
    plain = {"crop": box, "crop-shrunk": {}, "crop-bicubic": dict(box, bicubic=1), "shrunk-bicubic": dict(bicubic=1),
             "no-antialias": dict(antialias=0), "bicubic-none": dict(antialias=0, bicubic=1)}
    for name, changes in plain.items():
        yield name, 29, 37, 32, changes
        yield name, 41, 33, 19, changes
    for name, bicubic in ("long", 0), ("long-bicubic", 1):  # many taps, along one axis only
        yield name, 300, 7, 7, dict(bicubic=bicubic)
        yield name, 7, 300, 5, dict(bicubic=bicubic)
        yield name, 301, 2, 1, dict(bicubic=bicubic)
        yield name, 2, 1200, 5, dict(bicubic=bicubic)  # more weights than fit into the kernel's memory
    for bicubic in 0, 1:
        yield "one-pixel", 1, 1, 1, dict(bicubic=bicubic)
        yield "one-pixel", 1, 1, 9, dict(bicubic=bicubic)
        yield "one-row", 1, 31, 8, dict(bicubic=bicubic)
        yield "one-column", 31, 1, 33, dict(bicubic=bicubic)

    ops = {"flip": dict(flip=1), "grayscale": dict(grayscale=1), "rotate-small": dict(angle=-17.25),
           "rotate": dict(angle=133.5), "rotate-90": dict(angle=90.0), "rotate-180": dict(angle=180.0),
           "blur-weak": dict(blur_sigma=0.1, blur_kernel=3), "blur": dict(blur_sigma=1.3, blur_kernel=5),
           "blur-wide": dict(blur_sigma=2.0, blur_kernel=9), "solarize": dict(solarize=128),
           "solarize-all": dict(solarize=0)}
    for op, factors in (("brightness", (0.0, 0.2, 1.8)), ("contrast", (0.0, 0.2, 1.8)),
                        ("saturation", (0.0, 0.2, 1.8)), ("hue", (-0.5, -0.2, 0.05, 0.2))):
        for factor in factors:
            ops[f"{op} {factor}"] = dict(jitter=[(op, factor)])
    for name, changes in ops.items():
        yield name, 20, 20, 20, changes  # no resampling: only the op
        yield name, 13, 13, 13, changes
    for name in "flip", "rotate", "contrast 1.8", "hue 0.2", "grayscale", "solarize":
        yield name, 1, 1, 1, ops[name]

    for number in range(12):  # chains of ops
        draw = lambda: float(torch.rand(1, generator=generator))
        jitter = [("brightness", 0.2 + 1.6 * draw()), ("contrast", 0.2 + 1.6 * draw()),
                  ("saturation", 0.2 + 1.6 * draw()), ("hue", -0.2 + 0.4 * draw())]
        order = torch.randperm(4, generator=generator).tolist()
        size = (32, 25, 48)[number % 3]
        yield "chain", 47, 38, size, dict(
            top=int(8 * draw()), left=int(8 * draw()), crop_height=16 + int(20 * draw()),
            crop_width=12 + int(18 * draw()), flip=number % 2, bicubic=number // 2 % 2,
            angle=30.0 * draw() if number % 4 == 1 else 0.0, jitter=[jitter[i] for i in order],
            grayscale=int(number % 5 == 2), blur_sigma=0.1 + 1.9 * draw() if number % 3 else 0.0, blur_kernel=7,
            solarize=100 if number % 4 == 3 else 256)
    large = dict(top=5, left=8, crop_height=64, crop_width=51, flip=1, bicubic=1, blur_sigma=1.7, blur_kernel=23,
                 jitter=[("contrast", 1.3), ("hue", 0.1), ("brightness", 0.8), ("saturation", 1.5)])
    yield "chain-224", 70, 61, 224, large


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", default="tests/golden/augment.bin")
    generator = torch.Generator().manual_seed(1)
    body, count = b"", 0
    for name, height, width, size, changes in cases(generator):
        image = photograph(height, width, generator)
        v = view(height, width, **changes)
        pixels = image.permute(1, 2, 0).contiguous().numpy().tobytes()
        result = apply(image, v, size).permute(1, 2, 0).contiguous().numpy().tobytes()
        body += struct.pack("<16siq", name.encode()[:16], size, len(pixels)) + pixels + pack(v) + result
        count += 1
    path = parser.parse_args().out
    with open(path, "wb") as file:
        file.write(b"DYADAUG1" + struct.pack("<i", count) + body)
    print(f"{path}: {count} cases, {len(body) + 12} bytes")


if __name__ == "__main__":
    main()
