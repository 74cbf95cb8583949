#!/usr/bin/env python3
"""Writes tests/golden/augment_tensorflow.bin: images, parameters of views, and TensorFlow's results.

Needs tensorflow (2, CPU); the tests need only the file. The ops are those of google-research/simclr, data_util.py (v2):
tf.image's, clipped after each jitter, and a Gaussian blur with zeros outside. Also prints what the test of the crops
compares with: the mean area and ratio of tf.image.sample_distorted_bounding_box, as data_util.py calls it.
File format, little-endian: "DYADAUG2"; i32 number of cases; for each case: 16 bytes of name, i32 size, i64 bytes of
the source pixels, the source (HWC), the view (struct kernels::View), the result (size x size x 3, f32 in 0 .. 1).
"""

import print_help  # noqa: F401  (first: --help needs no package)

import argparse
import struct

import numpy as np
import tensorflow as tf

JITTER = {"none": 0, "brightness": 1, "contrast": 2, "saturation": 3, "hue": 4}


def view(height, width, **changes):
    v = dict(top=0, left=0, crop_height=height, crop_width=width, jitter=[], blur_sigma=0.0, blur_kernel=0, flip=0,
             grayscale=0, bicubic=1)
    return v | dict(height=height, width=width) | changes


def pack(v):
    jitter = list(v["jitter"]) + [("none", 0.0)] * (4 - len(v["jitter"]))
    return struct.pack("<q6if4ffii4B4B", 0, v["height"], v["width"], v["top"], v["left"], v["crop_height"],
                       v["crop_width"], 0.0, *(factor for _, factor in jitter), v["blur_sigma"], v["blur_kernel"], 256,
                       *(JITTER[op] for op, _ in jitter), v["flip"], v["grayscale"], v["bicubic"], 0)


def blurred(image, kernel, sigma):
    radius = kernel // 2
    x = tf.cast(tf.range(-radius, radius + 1), tf.float32)
    weights = tf.exp(-tf.pow(x, 2.0) / (2.0 * tf.pow(sigma, 2.0)))
    weights /= tf.reduce_sum(weights)
    along = tf.tile(tf.reshape(weights, [1, kernel, 1, 1]), [1, 1, 3, 1])
    down = tf.tile(tf.reshape(weights, [kernel, 1, 1, 1]), [1, 1, 3, 1])
    image = tf.nn.depthwise_conv2d(image[None], along, strides=[1, 1, 1, 1], padding="SAME")
    return tf.nn.depthwise_conv2d(image, down, strides=[1, 1, 1, 1], padding="SAME")[0]


def apply(pixels, v, size):
    """pixels: (H,W,3) u8 -> (size,size,3) f32."""
    image = tf.image.convert_image_dtype(pixels, tf.float32)
    image = image[v["top"]:v["top"] + v["crop_height"], v["left"]:v["left"] + v["crop_width"]]
    method = tf.image.ResizeMethod.BICUBIC if v["bicubic"] else tf.image.ResizeMethod.BILINEAR
    image = tf.image.resize([image], [size, size], method=method)[0]
    if v["flip"]:
        image = tf.image.flip_left_right(image)
    ops = {"brightness": lambda x, f: x * f, "contrast": tf.image.adjust_contrast,
           "saturation": tf.image.adjust_saturation, "hue": tf.image.adjust_hue}
    for op, factor in v["jitter"]:
        image = tf.clip_by_value(ops[op](image, np.float32(factor)), 0.0, 1.0)
    if v["grayscale"]:
        image = tf.tile(tf.image.rgb_to_grayscale(image), [1, 1, 3])
    image = tf.clip_by_value(image, 0.0, 1.0)
    if v["blur_sigma"]:
        image = tf.clip_by_value(blurred(image, v["blur_kernel"], np.float32(v["blur_sigma"])), 0.0, 1.0)
    return image.numpy()


def photograph(height, width, random):
    """An image with edges, gradients, flat parts and noise, and every value from 0 to 255."""
    y, x = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    image = np.empty((height, width, 3))
    for c in range(3):
        a, b, p = random.random(3) * (6, 6, 6.28)
        image[..., c] = 0.5 + 0.4 * np.sin(a * x + b * y + p) + 0.3 * (x > random.random()) + 0.1 * random.standard_normal((height, width))
    image[: height // 4, : width // 4] = random.random(3)
    return (image.clip(0, 1) * 255).round().astype(np.uint8)


def cases():
    for height, width, size in ((37, 50, 16), (9, 14, 17)):
        box = dict(top=2, left=3, crop_height=height - 3, crop_width=width - 5)
        def v(**changes):
            return view(height, width, **changes)
        yield "bicubic", v(**box), size
        yield "bilinear", v(bicubic=0, **box), size
        yield "flip", v(flip=1), size
        for op, factors in (("brightness", (0.3, 1.7)), ("contrast", (0.4, 1.8)), ("saturation", (0.0, 0.5, 1.8)),
                            ("hue", (-0.2, -0.03, 0.15))):
            for factor in factors:
                yield op, v(jitter=[(op, factor)]), size
        yield "gray", v(grayscale=1), size
        for kernel, sigma in ((3, 0.3), (5, 1.9)):
            yield "blur", v(blur_kernel=kernel, blur_sigma=sigma), size
        yield "all", v(flip=1, jitter=[("hue", 0.1), ("contrast", 1.5), ("brightness", 1.3), ("saturation", 0.6)],
                       blur_kernel=3, blur_sigma=1.0, **box), size
        yield "all", v(jitter=[("saturation", 1.7), ("brightness", 0.5), ("hue", -0.2), ("contrast", 0.3)], grayscale=1,
                       blur_kernel=3, blur_sigma=0.5, **box), size


def print_crops(height, width, count):
    areas, ratios = [], []
    for seed in range(count):
        begin, size, _ = tf.image.stateless_sample_distorted_bounding_box(
            [height, width, 3], tf.constant([[[0.0, 0.0, 1.0, 1.0]]]), seed=[seed, 1], min_object_covered=0.1,
            aspect_ratio_range=(3 / 4, 4 / 3), area_range=(0.08, 1.0), max_attempts=100, use_image_if_no_bounding_boxes=True)
        h, w, _ = size.numpy() if size.numpy()[2] != -1 else (*size.numpy()[:2], 3)
        areas.append(h * w / (height * width)), ratios.append(w / h)
    quantiles = lambda x: " ".join(f"{q:.4f}" for q in np.quantile(x, (0.1, 0.5, 0.9)))
    print(f"{height} x {width}: area {np.mean(areas):.4f}, quantiles {quantiles(areas)}; "
          f"ratio {np.mean(ratios):.4f}, quantiles {quantiles(ratios)}; {count} crops")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", default="tests/golden/augment_tensorflow.bin")
    parser.add_argument("--crops", type=int, default=20000, help="number of crops to sample")
    args = parser.parse_args()
    random = np.random.default_rng(1)
    all_cases = list(cases())
    with open(args.out, "wb") as file:
        file.write(b"DYADAUG2" + struct.pack("<i", len(all_cases)))
        for name, v, size in all_cases:
            pixels = photograph(v["height"], v["width"], random)
            file.write(struct.pack("<16siq", name.encode(), size, pixels.size) + pixels.tobytes() + pack(v) +
                       apply(pixels, v, size).astype("<f4").tobytes())
    print(f"{args.out}: {len(all_cases)} cases, TensorFlow {tf.__version__}")
    for height, width in ((300, 200), (32, 32)):
        print_crops(height, width, args.crops)


if __name__ == "__main__":
    main()
