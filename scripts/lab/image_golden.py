#!/usr/bin/env python3
"""Writes tests/golden/images.bin: WebP, TIFF and GIF files, and the pixels that Pillow reads from them.

Needs Pillow (13.0) and NumPy; the tests need only the file. See docs/data.md.
File format, little-endian: "DYADIMG1"; i32 number of images; for each image: 48 bytes of name, i32 how much a level may
differ, i32 height, i32 width, i32 bytes of the file, the file, the pixels (height x width x 3, 8-bit).
An image is as torchvision's ImageFolder reads it, Image.open(file).convert("RGB"), except 16-bit grey, which Pillow
clips: there the pixels are the high bytes.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import argparse
import io
import struct

import numpy as np
from PIL import Image, TiffImagePlugin

HEIGHT, WIDTH = 11, 19


def waves(channels, height=HEIGHT, width=WIDTH):
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    level = 128 + 100 * np.sin(0.3 * (c + 1) + 0.35 * x + 0.2 * (c + 1) * y)
    return level.astype(np.uint8)


def picture(mode):
    if mode == "1":
        return Image.fromarray(waves(1)[..., 0]).convert("1")
    if mode == "P":
        return Image.fromarray(waves(3)).quantize(23)
    if mode == "L":
        return Image.fromarray(waves(1)[..., 0])
    return Image.fromarray(waves(len(mode)), mode)


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(file):
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def tiff(tags, pieces, order="<", tiled=False):
    """A TIFF of one page. tags: {number: (type, values)}; pieces: the bytes of each strip or tile."""
    codes = {3: "H", 4: "I"}
    body, offsets = b"", []
    for piece in pieces:
        offsets.append(8 + len(body))
        body += piece + b"\0" * (len(piece) % 2)
    tags = dict(tags)
    tags[324 if tiled else 273] = (4, offsets)
    tags[325 if tiled else 279] = (4, [len(p) for p in pieces])
    start = 8 + len(body)
    behind = start + 2 + 12 * len(tags) + 4
    entries, more = b"", b""
    for number, (type_, values) in sorted(tags.items()):
        packed = struct.pack(order + codes[type_] * len(values), *values)
        if len(packed) > 4:
            entries += struct.pack(order + "HHII", number, type_, len(values), behind + len(more))
            more += packed
        else:
            entries += struct.pack(order + "HHI", number, type_, len(values)) + packed.ljust(4, b"\0")
    header = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, start)
    return header + body + struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", 0) + more


def tiff_tags(photometric, bits, samples, height=HEIGHT, width=WIDTH, **more):
    tags = {256: (3, [width]), 257: (3, [height]), 258: (3, [bits] * samples), 259: (3, [1]),
            262: (3, [photometric]), 277: (3, [samples])}
    names = {"rows": 278, "planar": 284, "extra": 338, "tile_width": 322, "tile_height": 323, "palette": 320,
             "orientation": 274, "fill_order": 266, "format": 339}
    return tags | {names[name]: (3, values if isinstance(values, list) else [values]) for name, values in more.items()}


def packed_bits(levels, bits):
    """Rows of samples of 1, 2 or 4 bits, each padded to whole bytes."""
    planes = np.unpackbits(levels[..., None].astype(np.uint8), axis=-1)[..., 8 - bits:]
    return np.packbits(planes.reshape(len(levels), -1), axis=1).tobytes()


def tiles_of(pixels, side):
    height, width = pixels.shape[:2]
    down, across = -height % side, -width % side
    padded = np.pad(pixels, ((0, down), (0, across)) + ((0, 0),) * (pixels.ndim - 2))
    return [padded[y:y + side, x:x + side].tobytes() for y in range(0, padded.shape[0], side)
            for x in range(0, padded.shape[1], side)]


def tiffs():
    """(name, file, pixels or None for Pillow's, how much a level may differ)"""
    rgb, rgba, cmyk = waves(3), waves(4), waves(4)[..., ::-1].copy()
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "zstd"):
        yield f"tiff rgb {compression}", saved(picture("RGB"), "TIFF", compression=compression), None, 0
    yield "tiff rgb lzw predictor", saved(picture("RGB"), "TIFF", compression="tiff_lzw", tiffinfo={317: 2}), None, 0
    for compression in ("group3", "group4", "tiff_ccitt"):
        yield f"tiff bits {compression}", saved(picture("1"), "TIFF", compression=compression), None, 0
    yield "tiff grey jpeg", saved(picture("L"), "TIFF", compression="jpeg", quality=95), None, 0
    yield "tiff rgb jpeg", saved(picture("RGB"), "TIFF", compression="jpeg", quality=95), None, 3
    for mode in ("1", "L", "P", "RGBA", "CMYK", "LA"):
        yield f"tiff mode {mode}", saved(picture(mode), "TIFF"), None, 0
    for order in "<>":
        end = "little" if order == "<" else "big"
        yield f"tiff strips of 4 rows, {end}", tiff(tiff_tags(2, 8, 3, rows=4), [
            rgb[y:y + 4].tobytes() for y in range(0, HEIGHT, 4)], order), None, 0
        wide = (rgb.astype(np.uint16) * 257 + 13).clip(0, 65535)
        yield f"tiff rgb 16 bits, {end}", tiff(tiff_tags(2, 16, 3), [wide.astype(order + "u2").tobytes()], order), None, 0
        grey = wide[..., 0]
        high = np.repeat((grey >> 8).astype(np.uint8)[..., None], 3, axis=2)
        yield f"tiff grey 16 bits, {end}", tiff(tiff_tags(1, 16, 1), [grey.astype(order + "u2").tobytes()], order), high, 0
    inverted = (65535 - grey).astype("<u2")
    yield "tiff grey 16 bits, 0 is white", tiff(tiff_tags(0, 16, 1), [inverted.tobytes()]), high, 0
    yield "tiff cmyk 16 bits", tiff(tiff_tags(5, 16, 4), [(cmyk.astype("<u2") * 257).tobytes()]), None, 0
    for bits in (1, 2, 4, 8):
        levels = waves(1)[..., 0] >> (8 - bits)
        rows = packed_bits(levels, bits)
        for photometric in (0, 1):
            yield f"tiff grey {bits} bits, kind {photometric}", tiff(tiff_tags(photometric, bits, 1), [rows]), None, 0
        palette = (np.arange(3 << bits) * 2999 % 65536).tolist()
        yield f"tiff palette {bits} bits", tiff(tiff_tags(3, bits, 1, palette=palette), [rows]), None, 0
    yield "tiff bits in reverse order", tiff(tiff_tags(1, 1, 1, fill_order=2), [
        bytes(int(f"{b:08b}"[::-1], 2) for b in packed_bits(waves(1)[..., 0] >> 7, 1))]), None, 0
    yield "tiff tiles", tiff(tiff_tags(2, 8, 3, 40, 35, tile_width=16, tile_height=16),
                             tiles_of(waves(3, 40, 35), 16), tiled=True), None, 0
    planes = [waves(3, 40, 35)[..., c] for c in range(3)]
    yield "tiff tiles in planes", tiff(
        tiff_tags(2, 8, 3, 40, 35, planar=2, tile_width=16, tile_height=16),
        [tile for plane in planes for tile in tiles_of(plane, 16)], tiled=True), waves(3, 40, 35), 0
    yield "tiff planes", tiff(tiff_tags(2, 8, 3, planar=2), [rgb[..., c].tobytes() for c in range(3)]), None, 0
    yield "tiff planes, alpha", tiff(tiff_tags(2, 8, 4, planar=2, extra=2),
                                     [rgba[..., c].tobytes() for c in range(4)]), rgba[..., :3], 0
    yield "tiff planes of 16 bits", tiff(tiff_tags(2, 16, 3, planar=2), [
        wide[..., c].astype("<u2").tobytes() for c in range(3)]), rgb_of_high(wide), 0
    yield "tiff rgb, alpha that isn't declared", tiff(tiff_tags(2, 8, 4), [rgba.tobytes()]), None, 0
    for extra in (0, 1, 2):
        yield f"tiff rgb, other sample {extra}", tiff(tiff_tags(2, 8, 4, extra=extra), [rgba.tobytes()]), None, 0
    yield "tiff rgb, three others", tiff(tiff_tags(2, 8, 6, extra=[1, 0, 0]), [
        np.concatenate([rgba, rgb[..., :2]], axis=2).tobytes()]), None, 0
    yield "tiff grey, alpha", tiff(tiff_tags(1, 8, 2, extra=2), [rgba[..., 2:].tobytes()]), None, 0
    yield "tiff cmyk, one other", tiff(tiff_tags(5, 8, 5, extra=0), [
        np.concatenate([cmyk, rgb[..., :1]], axis=2).tobytes()]), None, 0
    for orientation in range(2, 9):
        yield f"tiff orientation {orientation}", tiff(tiff_tags(2, 8, 3, orientation=orientation), [
            rgb.tobytes()]), None, 0
    two = saved(picture("RGB"), "TIFF", save_all=True, append_images=[picture("L")])
    yield "tiff of two pages", two, None, 0
    yield "tiff with offsets of 64 bits", saved(picture("RGB"), "TIFF", big_tiff=True), None, 0


def rgb_of_high(wide):
    return (wide >> 8).astype(np.uint8)


def webps():
    for mode in ("RGB", "RGBA", "L", "P"):
        image = picture(mode)
        yield f"webp lossless {mode}", saved(image, "WEBP", lossless=True, exact=True), None, 0
    for quality in (30, 90):
        yield f"webp quality {quality}", saved(picture("RGB"), "WEBP", quality=quality), None, 0
        yield f"webp quality {quality}, alpha", saved(picture("RGBA"), "WEBP", quality=quality), None, 0
    for orientation in (3, 6):
        exif = Image.Exif()
        exif[274] = orientation
        yield f"webp exif {orientation}", saved(picture("RGB"), "WEBP", lossless=True, exif=exif), None, 0
    second = Image.fromarray(255 - waves(3))
    yield "webp animation", saved(picture("RGB"), "WEBP", save_all=True, append_images=[second], lossless=True), None, 0
    yield "webp animation, alpha", saved(picture("RGBA"), "WEBP", save_all=True, append_images=[second],
                                         lossless=True, exact=True), None, 0
    yield "webp animation, small first frame", small_first_frame(), None, 0


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def small_first_frame():
    """A canvas of 30 x 20 pixels whose first frame covers a part of it."""
    still = saved(picture("RGB"), "WEBP", lossless=True)
    def u24(v):
        return struct.pack("<I", v)[:3]
    frame = u24(6 // 2) + u24(4 // 2) + u24(WIDTH - 1) + u24(HEIGHT - 1) + u24(100) + b"\0" + still[12:]
    body = b"WEBP" + chunk(b"VP8X", b"\2\0\0\0" + u24(29) + u24(19))
    body += chunk(b"ANIM", b"\x10\x20\x30\xff\0\0") + chunk(b"ANMF", frame)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def lzw(indices, bits):
    """Indices as GIF's blocks, with a clear code before each, so that codes keep their width."""
    out, at, width = 0, 0, bits + 1
    for code in [c for i in indices for c in (1 << bits, i)] + [(1 << bits) + 1]:
        out |= code << at
        at += width
    data = out.to_bytes((at + 7) // 8, "little")
    blocks = b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255] for i in range(0, len(data), 255))
    return bytes([bits]) + blocks + b"\0"


def gif(screen, palette, frames, index_bits=4):
    """screen: (width, height); frames: (left, top, width, height, flags, local palette, transparent index or None)."""
    def size_bits(colours):
        return max(0, (len(colours) // 3 - 1).bit_length() - 1)
    file = b"GIF89a" + struct.pack("<HHBBB", *screen, (128 | size_bits(palette)) if palette else 0, 1, 0) + palette
    for left, top, width, height, flags, local, transparent in frames:
        if transparent is not None:
            file += b"!\xf9\4" + bytes([1, 10, 0, transparent, 0])
        file += b"," + struct.pack("<HHHHB", left, top, width, height,
                                   flags | ((128 | size_bits(local)) if local else 0)) + local
        file += lzw([(3 * i + i // 7) % (1 << index_bits) for i in range(width * height)], index_bits)
    return file + b";"


def gifs():
    for mode in ("P", "L", "1", "RGB", "RGBA"):
        for interlace in (0, 1):
            yield f"gif {mode}, interlace {interlace}", saved(picture(mode), "GIF", interlace=interlace), None, 0
    colours = bytes((i * 37 + 11) % 256 for i in range(48))
    other = bytes((i * 59 + 5) % 256 for i in range(48))
    ramp = bytes(i // 3 for i in range(48))
    whole = (0, 0, 9, 17)
    yield "gif interlaced", gif((9, 17), colours, [(*whole, 64, b"", None)]), None, 0
    yield "gif of two frames", gif((9, 17), colours, [(*whole, 0, b"", None), (1, 1, 3, 3, 0, other, None)]), None, 0
    yield "gif with a palette of its frame", gif((9, 17), colours, [(*whole, 0, other, None)]), None, 0
    yield "gif with only that palette", gif((9, 17), b"", [(*whole, 0, other, None)]), None, 0
    yield "gif without a palette", gif((9, 17), b"", [(*whole, 0, b"", None)]), None, 0
    yield "gif with a ramp of grey", gif((9, 17), ramp, [(*whole, 0, b"", None)], 6), None, 0
    yield "gif with colours beyond its palette", gif((9, 17), colours[:12], [(*whole, 0, b"", None)]), None, 0
    yield "gif, frame inside the canvas", gif((20, 30), colours, [(3, 5, 9, 17, 64, b"", None)]), None, 0
    yield "gif, frame inside, transparent", gif((20, 30), colours, [(3, 5, 9, 17, 0, b"", 7)]), None, 0
    yield "gif, frame inside, transparent grey", gif((20, 30), ramp, [(3, 5, 9, 17, 0, b"", 200)]), None, 0
    yield "gif, frame beyond the canvas", gif((8, 8), colours, [(3, 5, 9, 17, 0, b"", None)]), None, 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", default="tests/golden/images.bin")
    out = parser.parse_args().out
    images = [*webps(), *tiffs(), *gifs()]
    with open(out, "wb") as to:
        to.write(b"DYADIMG1" + struct.pack("<i", len(images)))
        for name, file, pixels, differ in images:
            if pixels is None:
                pixels = opened(file)
            assert len(name) < 48, name
            to.write(name.encode().ljust(48, b"\0"))
            to.write(struct.pack("<4i", differ, *pixels.shape[:2], len(file)) + file + pixels.tobytes())
    print(f"{len(images)} images in {out}")


if __name__ == "__main__":
    main()
