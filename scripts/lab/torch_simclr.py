"""SimCLR in PyTorch with torchvision's ResNet and the published optimizers: the reference for comparisons with dyad.

As a program it loads an encoder written by `dyad export` and describes it:
  scripts/lab/torch_simclr.py encoder.safetensors
"""

import math
import print_help  # noqa: F401  (first: --help needs no package)

import sys

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.models.resnet import ResNet as TorchvisionResNet

BLOCKS = {"resnet10": (BasicBlock, [1, 1, 1, 1]), "resnet18": (BasicBlock, [2, 2, 2, 2]),
          "resnet34": (BasicBlock, [3, 4, 6, 3]), "resnet50": (Bottleneck, [3, 4, 6, 3]),
          "resnet101": (Bottleneck, [3, 4, 23, 3]), "resnet152": (Bottleneck, [3, 8, 36, 3])}


class ResNet(TorchvisionResNet):
    """torchvision's ResNet without fc, with dyad's options for stem and width."""

    def __init__(self, arch="resnet18", stem="cifar", width=1.0):
        block, layers = BLOCKS[arch]
        super().__init__(block, layers)
        channels = max(8, int(64 * width / 8 + 0.5) * 8)
        if stem == "cifar":
            self.conv1 = nn.Conv2d(3, channels, 3, 1, 1, bias=False)
            self.maxpool = nn.Identity()
        if channels != 64:
            self.conv1 = nn.Conv2d(3, channels, self.conv1.kernel_size, self.conv1.stride, self.conv1.padding, bias=False)
            self.bn1 = nn.BatchNorm2d(channels)
            self.inplanes = channels
            for i, blocks in enumerate(layers):
                setattr(self, f"layer{i + 1}", self._make_layer(block, channels << i, blocks, 1 if i == 0 else 2))
        self.features = self.fc.in_features if channels == 64 else (channels << 3) * block.expansion
        self.fc = nn.Identity()


class SimCLR(nn.Module):
    def __init__(self, arch="resnet18", stem="cifar", width=1.0, head_layers=2, hidden=None, out_dim=128):
        super().__init__()
        self.encoder = ResNet(arch, stem, width)
        self.projection = nn.Sequential()
        wide = self.encoder.features
        for i in range(1, head_layers + 1):
            last = i == head_layers
            out = out_dim if last else hidden or self.encoder.features
            self.projection.add_module(f"linear{i}", nn.Linear(wide, out, bias=False))
            self.projection.add_module(f"bn{i}", nn.BatchNorm1d(out))
            if not last:
                self.projection.add_module(f"relu{i}", nn.ReLU(inplace=True))
            wide = out

    def forward(self, x):
        return self.projection(self.encoder(x))


def nt_xent(h, tau):
    """Rows i and i + N are the two views of one image."""
    z = F.normalize(h)
    s = z @ z.T / tau
    s = s.masked_fill(torch.eye(len(z), dtype=torch.bool, device=z.device), float("-inf"))
    return F.cross_entropy(s, torch.arange(len(z), device=z.device).roll(len(z) // 2))


def contrast(positive, negatives, tau, about):
    """The mean loss of rows by the kind of --negatives, with the authors' formulas: chingyaoc/DCL (debiased), joshr17/HCL
    (hard), lightly's dcl_loss (decoupled), and Zhu et al. 2020, eq. 6 (eqco). positive: (N), negatives: (N,K), both
    over tau."""
    kind = about.get("negatives", "nt-xent")
    if kind == "nt-xent":
        logits = torch.cat([positive[:, None], negatives], dim=1)
        return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long, device=logits.device))
    if kind == "decoupled":
        return (torch.logsumexp(negatives, -1) - positive).mean()
    pos, neg, count = positive.exp(), negatives.exp(), negatives.shape[1]
    if kind == "eqco":
        return -(pos / (pos + float(about["as-many"]) / count * neg.sum(-1))).log().mean()
    total = neg.sum(-1)
    if kind == "hard":
        imp = (float(about["hardness"]) * neg.log()).exp()
        total = (imp * neg).sum(-1) / imp.mean(-1)
    tau_plus = float(about["debias"])
    ng = (-tau_plus * count * pos + total) / (1 - tau_plus)
    ng = torch.clamp(ng, min=count * math.e ** (-1 / tau))
    return -(pos / (pos + ng)).log().mean()


def with_negatives(h, tau, about):
    """SimCLR's loss by the kind of --negatives: NT-Xent, contrast(), or lightly's decoupled loss with the weights of its
    negative_mises_fisher_weights (dclw)."""
    kind = about.get("negatives", "nt-xent")
    if kind == "nt-xent":
        return nt_xent(h, tau)
    z = F.normalize(h)
    n = len(z) // 2
    s = z @ z.T / tau
    others = ~torch.eye(n, dtype=torch.bool, device=z.device).repeat(2, 2)
    similarity = s.masked_select(others).view(2 * n, -1)
    positive = (z[:n] * z[n:]).sum(-1).repeat(2) / tau
    if kind != "dclw":
        return contrast(positive, similarity, tau, about)
    with torch.no_grad():
        alike = (z[:n] * z[n:]).sum(-1) / float(about["sigma"])
        weights = 2 - n * F.softmax(alike, dim=0)
    return (torch.logsumexp(similarity, -1) - weights.repeat(2) * positive).mean()


class GoogleLARS(torch.optim.Optimizer):
    """google-research/simclr, lars_optimizer.py, classic momentum: the velocity includes the learning rate."""

    def __init__(self, params, lr, momentum=0.9, weight_decay=0.0, eeta=1e-3):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay, eeta=eeta, adapt=True))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                grad, trust = p.grad, 1.0
                if group["adapt"]:
                    grad = grad + group["weight_decay"] * p
                    w, g = p.norm(), grad.norm()
                    trust = torch.where((w > 0) & (g > 0), group["eeta"] * w / g, torch.ones_like(w))
                v = self.state[p].setdefault("velocity", torch.zeros_like(p))
                v.mul_(group["momentum"]).add_(group["lr"] * trust * grad)
                p.sub_(v)


def make_optimizer(name, model, lr, momentum, weight_decay, lars="google"):
    """Biases and normalization are neither decayed nor adapted, as in every published recipe."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    if name == "sgd":
        return torch.optim.SGD(groups, lr=lr, momentum=momentum)
    if name == "adamw":
        return torch.optim.AdamW(groups, lr=lr, betas=(momentum, 0.999))
    if lars == "google":
        groups[1]["adapt"] = False
        return GoogleLARS(groups, lr=lr, momentum=momentum)
    from timm.optim import Lars  # the convention of lightly, solo-learn and apex
    return Lars(groups, lr=lr, momentum=momentum, trust_coeff=1e-3, eps=1e-8)


def load_encoder(path):
    """(encoder in eval mode, the file's metadata) from a file of `dyad export --format safetensors`."""
    from safetensors import safe_open
    with safe_open(path, "pt") as file:
        about = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    encoder = ResNet(about["arch"], about["stem"], float(about["width"]))
    encoder.load_state_dict(tensors, strict=True)
    return encoder.eval(), about


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    net, about = load_encoder(sys.argv[1])
    size = int(about["size"])
    with torch.no_grad():
        shape = tuple(net(torch.zeros(1, 3, size, size)).shape)
    print(f"{about['arch']}, {about['stem']} stem, width {about['width']}, step {about['step']}: "
          f"images (N,3,{size},{size}), mean {about['mean']}, std {about['std']} -> features (N,{shape[1]})")
