#!/usr/bin/env python3
"""Compares training steps of dyad with PyTorch's, from the same weights and views.

  scripts/lab/oracle.py [--method simclr --arch resnet18 --batch 8 --size 32 --tau 0.5 --dtype f32 --optimizer sgd ...]
  scripts/lab/oracle.py --sweep N [--seed S]     N random cases
  scripts/lab/oracle.py --golden tests/golden [--only byol]    writes the files that CI compares with

Needs torch, torchvision, timm and safetensors, and a built dyad (--dyad). `dyad steps` writes the inputs and outputs of
its first steps. PyTorch starts from the same weights, gets the same images, and trains on its own. Compared are the loss,
every gradient and the running statistics of the first step, and the losses of all steps. The error of a tensor is its
largest difference from PyTorch in f64 over its largest value. The error of PyTorch in f32 (for bf16: with autocast) is
printed beside it.

If rounding in f32 flips the sign of a ReLU's input of about 1e-7, the gradient changes by the contribution of a pixel. In
f32, the reference's ReLUs therefore use the masks of dyad's ReLUs, or of PyTorch's for the errors of PyTorch. The number of
dyad's ReLUs that differ, and how far from zero their inputs were, is printed. Rounding grows over more steps: with small
batches and a large learning rate, PyTorch's f32 is far from its f64.
Limits in f32: gradients 1e-4 and losses of all steps 1e-3, or three times PyTorch's own error. In f64: losses 1e-6, or
three times the change of PyTorch's losses if each weight changes by a relative 1e-13. In bf16: twice the distance of
autocast from f64. Exit code 1 if a limit is exceeded.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import argparse
import copy
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

import torch_methods
import torch_simclr

# (loss, every gradient and the statistics of one step; losses of all steps)
LIMITS = {"f64": (1e-8, 1e-6), "f32": (1e-4, 1e-3), "bf16": (None, None)}
FAR = 1e-3  # at this distance from zero, rounding in f32 cannot flip the sign of a ReLU's input
NOISE = 1e-13  # relative change of the weights, to measure how sensitive the losses are in f64
CHANCE = {"method": ["simclr", "byol", "moco3", "moco2", "simsiam", "supcon"], "arch": ["resnet18", "resnet34", "resnet50"], "stem": ["cifar", "imagenet"], "head-layers": [1, 2, 3, 4],
          "batch": range(3, 65), "size": range(32, 97), "tau": [0.05, 0.1, 0.2, 0.5, 1.0],
          "optimizer": ["sgd", "lars", "adamw"], "lars": ["google", "lightly"], "dtype": ["f32", "f64"],
          "recipe": ["cifar", "imagenet"], "seed": range(1 << 30)}


class Steps:
    """The file of `dyad steps`."""

    def __init__(self, path):
        with safe_open(path, "pt") as file:
            self.about = file.metadata()
            self.tensors = {name: file.get_tensor(name) for name in file.keys()}

    def part(self, prefix):
        return {k[len(prefix):]: v for k, v in self.tensors.items() if k.startswith(prefix)}

    def images(self):
        return [self.tensors[f"images.{i}"] for i in range(len(self.tensors["losses"]))]

    def extras(self):
        """What a method gets besides the images, for each step: classes, or the places of the second views."""
        names = [n for n in ("labels", "second_places") if f"{n}.0" in self.tensors]
        return [{n: self.tensors[f"{n}.{i}"] for n in names} for i in range(len(self.tensors["losses"]))]


class ReLUs:
    """The ReLUs of a model in one pass: their masks, and the smallest distance of an input from zero.

    Rounding in f32 may flip the sign of an input of 1e-7. The loss hardly changes, but the gradient changes by the
    contribution of one of a few hundred pixels; neither result is wrong. `signs` (channels last) are masks of another pass,
    used instead of the own ones.
    """

    def __init__(self, signs=()):
        self.signs, self.seen, self.calls, self.margin, self.differ, self.farthest = signs, [], 0, float("inf"), 0, 0.0

    def install(self, module):
        for name, child in module.named_children():
            setattr(module, name, WatchedReLU(self)) if isinstance(child, torch.nn.ReLU) else self.install(child)

    def mask(self, x):
        mask = x > 0
        self.margin = min(self.margin, x.detach().abs().min().item())
        if self.calls < len(self.signs):
            signs = self.signs[self.calls].bool()
            signs = signs.permute(0, 3, 1, 2) if x.dim() == 4 else signs
            if (other := signs != mask).any():
                self.differ += other.sum().item()
                self.farthest = max(self.farthest, x.detach()[other].abs().max().item())
            mask = signs
        self.calls += 1
        self.seen.append(mask.permute(0, 2, 3, 1) if x.dim() == 4 else mask)
        return mask


class WatchedReLU(torch.nn.Module):
    def __init__(self, relus):
        super().__init__()
        self.relus = relus

    def forward(self, x):
        return x * self.relus.mask(x)


class Result:
    """Losses of all steps; gradients, and running statistics and target, after the first; everything after the last."""

    def __init__(self, relus):
        self.losses, self.gradients, self.after, self.final, self.relus = [], {}, {}, {}, relus


def pytorch_steps(about, initial, images, rates, dtype, autocast=False, signs=(), extras=()):
    """The same steps in PyTorch; images: (2N,S,S,3); extras: of each step, Steps.extras()."""
    method = torch_methods.METHODS[about["method"]](about)
    model = method.network
    networks = {n: t for n, t in initial.items() if not n.startswith(("target.", "queue."))}
    model.to(dtype).load_state_dict(networks, strict=True)
    model.train()
    optimizer = torch_simclr.make_optimizer(about["optimizer"], model, 0.0, float(about["momentum"]),
                                            float(about["weight-decay"]), about["lars"])
    relus = ReLUs(signs)
    method.begin(initial)
    if not autocast:
        for net in filter(None, (model, method.target)):
            relus.install(net)
    result = Result(relus)
    for step, (x, rate) in enumerate(zip(images, rates)):
        for group in optimizer.param_groups:
            group["lr"] = float(rate)
        optimizer.zero_grad()
        done = step / int(about["steps"])
        for name, value in extras[step].items():
            setattr(method, name, value.long())
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            loss = method.loss(*x.to(dtype).permute(0, 3, 1, 2).contiguous().chunk(2), done)
        loss.backward()
        optimizer.step()
        method.after_step(done)
        result.losses.append(loss.item())
        if step == 0:
            result.gradients = {n: p.grad.clone() for n, p in model.named_parameters()}
            result.after = {n: b.clone() for n, b in model.named_buffers()} | method.state()
            result.relus = copy.copy(relus)
        relus.seen = []
    result.final = {n: t.clone() for n, t in model.state_dict().items()} | method.state()
    return result


def changed(tensors, noise):
    """Each value changed by about this relative amount; reproducible."""
    generator = torch.Generator().manual_seed(0)
    return {n: t * (1 + noise * torch.randn(t.shape, generator=generator, dtype=torch.float64))
            if t.is_floating_point() else t for n, t in tensors.items()}


def error(a, b, least=0.0):
    """Relative to the largest value of b, or to `least` if that is larger."""
    a, b = torch.as_tensor(a, dtype=torch.float64), torch.as_tensor(b, dtype=torch.float64)
    scale = max(b.abs().max().item(), least)
    return (a - b).abs().max().item() / (scale if scale > 0 else 1.0)


def worst(ours, theirs):
    """(largest error, its tensor); the names must be equal."""
    if ours.keys() != theirs.keys():
        sys.exit(f"oracle: tensors of one side only: {sorted(ours.keys() ^ theirs.keys())[:4]}")

    def deviation(name):  # a mean of zero, behind another batch norm, has no digits: it is compared with the deviation
        variance = theirs.get(name.removesuffix("mean") + "var") if name.endswith("running_mean") else None
        return 0.0 if variance is None else variance.max().sqrt().item()
    return max((error(ours[n], theirs[n], deviation(n)), n) for n in theirs)


def dyad_steps(args, options, folder):
    path = Path(folder) / "steps.safetensors"
    flags = [f"--{k}={v}" for k, v in options.items()]
    done = subprocess.run([args.dyad, "steps", "--data", args.data, "--out", path, *flags], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"oracle: {' '.join(flags)}: {done.stderr.strip()}")
    return Steps(path)


def check_batch(steps):
    """The share of values of the network's input within one level of torchvision's views of the same images."""
    import augment_golden
    mean, std = ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)) if steps.about["recipe"] == "cifar" else \
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    size, near, values = int(steps.about["size"]), 0, 0
    levels = (steps.tensors["images.0"].double() * torch.tensor(std, dtype=torch.float64) +
              torch.tensor(mean, dtype=torch.float64)) * 255
    pixels = steps.tensors["pixels.0"]
    for got, raw in zip(levels, steps.tensors["views.0"]):
        v, offset = augment_golden.unpack(bytes(raw.tolist()))
        source = pixels[offset:offset + 3 * v["height"] * v["width"]].reshape(v["height"], v["width"], 3)
        expected = augment_golden.apply(source.permute(2, 0, 1).contiguous(), v, size).permute(1, 2, 0)
        near += ((got - expected).abs() <= 1 + 1e-3 + (2 if steps.about["dtype"] == "bf16" else 0)).sum().item()
        values += got.numel()
    return near / values


def compare(args, options):
    """One training in dyad and in PyTorch."""
    if options["method"] == "moco2":
        options = options | {"queue": 4 * options["batch"]}
    with tempfile.TemporaryDirectory() as folder:
        steps = dyad_steps(args, options, folder)
    dtype = steps.about["dtype"]
    rates = steps.tensors["rates"].tolist()
    torch64 = pytorch_steps(steps.about, steps.part("initial."), steps.images(), rates, torch.float64, extras=steps.extras())
    ours_after = {n: t for n, t in steps.part("after.").items() if n in torch64.after}
    losses = steps.tensors["losses"].tolist()
    ours = steps.part("gradient.")

    def errors(losses, gradients, after, beside):  # (loss, gradients, the worst tensor, statistics, all losses)
        return (error(losses[0], torch64.losses[0]), *worst(gradients, beside.gradients),
                worst(after, torch64.after)[0], max(map(error, losses, torch64.losses)))

    def with_signs(signs):
        first = pytorch_steps(steps.about, steps.part("initial."), steps.images()[:1], rates, torch.float64, signs=signs,
                              extras=steps.extras())
        if first.relus.calls != len(signs):
            sys.exit(f"oracle: PyTorch has {first.relus.calls} ReLUs, dyad {len(signs)}")
        return first

    same = torch64
    if dtype == "f32":
        same = with_signs([steps.tensors[f"relu.{i}"] for i in range(len(steps.part("relu.")))])
    rows = {"dyad": errors(losses, ours, ours_after, same)}
    if dtype != "f64":
        t = pytorch_steps(steps.about, steps.part("initial."), steps.images(), rates, torch.float32, dtype == "bf16",
                          extras=steps.extras())
        name = "PyTorch autocast" if dtype == "bf16" else "PyTorch f32"
        beside = with_signs(t.relus.seen) if dtype == "f32" else torch64
        rows[name] = errors(t.losses, t.gradients, t.after, beside)
    views = check_batch(steps)
    one, many = LIMITS[dtype]
    dyad = rows["dyad"]
    if dtype == "bf16":
        theirs = rows["PyTorch autocast"]
        good = all(dyad[i] <= 2 * theirs[i] + 1e-2 for i in (0, 1, 3, 4))
    else:
        own_gradients, own = (rows["PyTorch f32"][i] if dtype == "f32" else 0.0 for i in (1, 4))
        if dtype == "f64" and dyad[4] > many:
            t = pytorch_steps(steps.about, changed(steps.part("initial."), NOISE), steps.images(), rates, torch.float64,
                              extras=steps.extras())
            rows["PyTorch, changed"] = errors(t.losses, t.gradients, t.after, torch64)
            own = rows["PyTorch, changed"][4]
        good = (max(dyad[0], dyad[3]) <= one and dyad[1] <= max(one, 3 * own_gradients) and
                dyad[4] <= max(many, 3 * own))
    good = good and views >= 0.999 and same.relus.farthest <= FAR
    text = " ".join(f"{k} {v}" for k, v in options.items() if k != "steps")
    print(f"{'passed' if good else 'FAILED'}  {text}")
    for name, (loss, gradient, tensor, statistics, later) in rows.items():
        print(f"        {name:16s}  loss {loss:.1e}  gradients {gradient:.1e} ({tensor})  statistics {statistics:.1e}"
              f"  {len(losses)} losses {later:.1e}")
    if same.relus.differ:
        print(f"        {same.relus.differ} ReLUs have another sign in f32, with inputs up to {same.relus.farthest:.0e}; "
              f"with PyTorch's own signs, gradients {worst(ours, torch64.gradients)[0]:.1e}")
    print(f"        views            {100 * views:.3f} % of values within one level of torchvision", flush=True)
    return good


def draw(random_, limit):
    """A random case whose cost is at most `limit`: images x pixels, weighted by the architecture."""
    cost = {"resnet18": 1, "resnet34": 2, "resnet50": 3}
    while True:
        case = {k: random_.choice(list(v)) for k, v in CHANCE.items()}
        if case["stem"] == "imagenet":  # feature maps are four times smaller
            case["recipe"] = "imagenet"
        if case["batch"] * case["size"] ** 2 * cost[case["arch"]] <= limit:
            return case | ({"lr": 1e-3} if case["optimizer"] == "adamw" else {"lr": 1e-3})


def summary(t):
    """Summarizes a tensor in two numbers that detect any difference: its norm, and a weighted sum."""
    t = t.double().flatten()
    weights = (torch.arange(t.numel()) * 7919 % 1009).double() / 1009 - 0.5
    return torch.stack([t.norm(), (weights * t).sum()])


GOLDEN_MARGIN = 4e-6
GOLDEN = {
    "resnet18-sgd": {"arch": "resnet18", "size": 17, "batch": 6, "optimizer": "sgd", "lr": 0.005, "tau": 0.2},
    "resnet34-lars-google": {"arch": "resnet34", "size": 17, "batch": 4, "optimizer": "lars", "lr": 0.01, "tau": 0.5},
    "resnet50-first": {"arch": "resnet50", "size": 33, "batch": 3, "stem": "imagenet", "optimizer": "sgd", "lr": 0.01,
                       "tau": 1.0, "head-layers": 3},  # no seed of such a small ResNet-50 is well posed: one step, in f64
    "resnet18-lars-lightly": {"arch": "resnet18", "size": 17, "batch": 6, "optimizer": "lars", "lars": "lightly", "lr": 0.01,
                              "tau": 0.5, "head-layers": 3, "weight-decay": 1e-4},
    "resnet10-adamw": {"arch": "resnet10", "size": 16, "batch": 5, "optimizer": "adamw", "lr": 1e-4, "tau": 0.5},
    "resnet10-decoupled": {"negatives": "decoupled", "arch": "resnet10", "size": 16, "batch": 6, "optimizer": "sgd", "lr": 0.005,
                           "tau": 0.2},
    "resnet10-dclw": {"negatives": "dclw", "arch": "resnet10", "size": 16, "batch": 6, "optimizer": "sgd", "lr": 0.005,
                      "tau": 0.2},
    "resnet10-supcon": {"method": "supcon", "arch": "resnet10", "size": 16, "batch": 8, "optimizer": "sgd", "lr": 0.005,
                        "tau": 0.2},
    "resnet10-debiased": {"negatives": "debiased", "arch": "resnet10", "size": 16, "batch": 6, "optimizer": "sgd", "lr": 0.005},
    "resnet10-hard": {"negatives": "hard", "arch": "resnet10", "size": 16, "batch": 6, "optimizer": "adamw", "lr": 1e-4},
    "resnet10-eqco": {"negatives": "eqco", "as-many": 256, "arch": "resnet10", "size": 16, "batch": 6, "optimizer": "sgd",
                      "lr": 0.005, "tau": 0.2},
    "resnet10-byol": {"method": "byol", "arch": "resnet10", "size": 16, "batch": 6, "optimizer": "sgd", "lr": 0.005,
                      "target-momentum": 0.9},
    "resnet10-simsiam": {"method": "simsiam", "arch": "resnet10", "size": 16, "batch": 6, "optimizer": "sgd", "lr": 0.005,
                         "head-layers": 3},
    "resnet10-moco2": {"method": "moco2", "arch": "resnet10", "size": 16, "batch": 6, "optimizer": "sgd", "lr": 0.005,
                       "tau": 0.2, "target-momentum": 0.9, "queue": 24},
    "resnet10-four-layers": {"arch": "resnet10", "size": 16, "batch": 6, "optimizer": "sgd", "lr": 0.005, "tau": 0.2,
                             "head-layers": 4},
    "resnet10-linear-head": {"method": "byol", "arch": "resnet10", "size": 16, "batch": 6, "optimizer": "sgd", "lr": 0.005,
                             "target-momentum": 0.9, "head-layers": 1},
    "resnet10-learned-tau": {"arch": "resnet10", "size": 16, "batch": 6, "optimizer": "lars", "lr": 0.01, "tau": "learn:0.2"},
    "resnet10-moco2-learned-tau": {"method": "moco2", "arch": "resnet10", "size": 16, "batch": 6, "optimizer": "sgd", "lr": 0.005,
                                   "tau": "learn:0.2", "target-momentum": 0.9, "queue": 24},
    "resnet10-moco2-symmetric": {"method": "moco2", "symmetric": "true", "arch": "resnet10", "size": 16, "batch": 6,
                                 "optimizer": "sgd", "lr": 0.005, "tau": 0.2, "target-momentum": 0.9, "queue": 24},
    "resnet10-moco2-split": {"method": "moco2", "split-norm": 2, "arch": "resnet10", "size": 16, "batch": 8, "optimizer": "sgd",
                             "lr": 0.005, "tau": 0.2, "target-momentum": 0.9, "queue": 24},
    "resnet10-moco2-hard": {"method": "moco2", "negatives": "hard", "arch": "resnet10", "size": 16, "batch": 6,
                            "optimizer": "sgd", "lr": 0.005, "target-momentum": 0.9, "queue": 24},
    "resnet10-moco2-eqco": {"method": "moco2", "negatives": "eqco", "as-many": 256, "arch": "resnet10", "size": 16,
                            "batch": 6, "optimizer": "sgd", "lr": 0.005, "tau": 0.2, "target-momentum": 0.9, "queue": 24},
    "resnet10-moco3-decoupled": {"method": "moco3", "negatives": "decoupled", "arch": "resnet10", "size": 16, "batch": 6,
                                 "optimizer": "lars", "lr": 0.01, "tau": 0.2, "target-momentum": 0.9,
                                 "predictor-hidden": 24},
    "resnet10-moco3-debiased": {"method": "moco3", "negatives": "debiased", "arch": "resnet10", "size": 16, "batch": 6,
                                "optimizer": "sgd", "lr": 0.005, "target-momentum": 0.9, "predictor-hidden": 24},
    "resnet10-moco3": {"method": "moco3", "arch": "resnet10", "size": 16, "batch": 6, "optimizer": "lars", "lr": 0.01,
                       "tau": 0.2, "target-momentum": 0.9, "predictor-hidden": 24},
}


class GoldenCase:
    """A training on two alternating batches of 8-bit images."""

    def __init__(self, args, name, seed):
        options = {"width": 0.125, "out-dim": 16, "recipe": "cifar", "steps": 20, "warmup-epochs": 0, "dtype": "f64",
                   "seed": seed, **GOLDEN[name]}
        with tempfile.TemporaryDirectory() as folder:
            steps = dyad_steps(args, options, folder)
        mean = torch.tensor([0.4914, 0.4822, 0.4465], dtype=torch.float64)
        std = torch.tensor([0.2470, 0.2435, 0.2616], dtype=torch.float64)
        self.levels = [((x * std + mean) * 255).round().to(torch.uint8) for x in steps.images()[:2]]
        self.images = [(self.levels[i % 2].double() / 255 - mean) / std for i in range(20)]
        self.extras = [steps.extras()[i % 2] for i in range(20)]
        self.rates, self.about, self.initial = steps.tensors["rates"], steps.about, steps.part("initial.")

    def run(self, count=20, dtype=torch.float64, noise=0.0):
        """`count` steps from the initial weights, each changed by a relative `noise`."""
        return pytorch_steps(self.about, changed(self.initial, noise), self.images[:count], self.rates.tolist(), dtype,
                             extras=self.extras)

    def well_posed(self):
        """Whether rounding is amplified so little that the test's limits are meaningful. Returns "", or the reason why not."""
        first = self.run(1)
        if first.relus.margin < GOLDEN_MARGIN:
            return f"a ReLU {first.relus.margin:.0e} away from zero"
        single = worst(self.run(1, torch.float32).gradients, first.gradients)[0]
        if single > 4e-5:
            return f"PyTorch's f32 gradients {single:.0e} from its f64"
        noisy = max(map(error, self.run(noise=NOISE).losses, self.run().losses))
        return f"weights changed by {NOISE:.0e} change the losses by {noisy:.0e}" if noisy > 5e-7 else ""


def write_golden(args):
    """Writes PyTorch's results for the first seed that is well posed."""
    for name in filter(lambda n: args.only in n, GOLDEN):
        for seed in range(args.seed, args.seed + 200):
            case = GoldenCase(args, name, seed)
            wrong = "" if name.endswith("first") else case.well_posed()
            print(f"{name}, seed {seed}: {wrong or 'well posed'}", flush=True)
            if not wrong:
                break
        else:
            sys.exit(f"oracle: {name}: no seed is well posed")
        t = case.run()
        tensors = {"levels": torch.cat(case.levels), "rates": case.rates,
                   "losses": torch.tensor(t.losses, dtype=torch.float64)}
        tensors |= {n: torch.cat([extra[n] for extra in case.extras[:2]]) for n in case.extras[0]}
        tensors |= {"gradient." + n: summary(g) for n, g in t.gradients.items()}
        tensors |= {"after." + n: summary(b) for n, b in t.after.items()}
        tensors |= {"final." + n: summary(b) for n, b in t.final.items()}
        path = Path(args.golden) / f"steps-{name}.safetensors"
        save_file(tensors, path, {k: v for k, v in case.about.items() if k not in ("data", "run", "format")})
        path.chmod(0o644)
        print(f"{path}: {path.stat().st_size:,} bytes, losses {t.losses[0]:.6f} to {t.losses[-1]:.6f}", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--dyad", default="build/cpu/dyad")
    p.add_argument("--data", default="data/samples")
    p.add_argument("--sweep", type=int, default=0, help="number of random cases")
    p.add_argument("--limit", type=float, default=3e4, help="largest cost of a case in --sweep")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--golden", help="folder for the golden files")
    p.add_argument("--only", default="", help="part of the names of the golden files to write")
    defaults = {"method": "simclr", "negatives": "nt-xent", "arch": "resnet18", "stem": "cifar", "width": 1.0, "head-layers": 2, "out-dim": 128, "batch": 8, "size": 32,
                "tau": "0.5", "optimizer": "sgd", "lars": "google", "lr": 0.05, "dtype": "f32", "steps": 20, "recipe": "cifar", "split-norm": 1, "symmetric": "false"}
    for name, value in defaults.items():
        p.add_argument("--" + name, type=type(value), default=value)
    args = p.parse_args()
    if args.golden:
        return write_golden(args)
    if args.sweep:
        random_ = random.Random(args.seed)
        cases = [draw(random_, args.limit) | {"steps": args.steps} for _ in range(args.sweep)]
    else:
        cases = [{name: getattr(args, name.replace("-", "_")) for name in defaults} | {"seed": args.seed}]
    results = [compare(args, case) for case in cases]
    print(f"{sum(results)} of {len(results)} cases passed, PyTorch {torch.__version__}")
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
