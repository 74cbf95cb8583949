"""The methods of dyad in PyTorch, written from the papers and the authors' code: the reference for scripts/lab/oracle.py.

  BYOL      Grill et al. 2020; deepmind-research, byol/byol_experiment.py
  MoCo v2   He et al. 2020, Chen, Fan et al. 2020; facebookresearch/moco, moco/builder.py; groups of the batch norms as in
            the authors' colab/moco_cifar10_demo.ipynb, but of neighbouring samples, as devices would have them
  MoCo v3   Chen, Xie & He 2021; facebookresearch/moco-v3, moco/builder.py
  SimSiam   Chen & He 2021; facebookresearch/simsiam, simsiam/builder.py
  SupCon    Khosla et al. 2020; HobbitLong/SupContrast, losses.py (L_out, without the factor T / T_base)
"""

import print_help  # noqa: F401  (first: --help needs no package)

import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

import torch_simclr


def projection(wide, layers, hidden, out, norm):
    """all: batch norm after each layer; plain: the last one without scale and shift; hidden: not after the last; none."""
    head = nn.Sequential()
    for i in range(1, layers + 1):
        last = i == layers
        to = out if last else hidden
        head.add_module(f"linear{i}", nn.Linear(wide, to, bias=norm == "none"))
        if norm != "none" and not (last and norm == "hidden"):
            head.add_module(f"bn{i}", nn.BatchNorm1d(to, affine=not (last and norm == "plain")))
        if not last:
            head.add_module(f"relu{i}", nn.ReLU(inplace=True))
        wide = to
    return head


class Predictor(nn.Module):
    def __init__(self, width, hidden, last_bias):
        super().__init__()
        self.linear1, self.bn1 = nn.Linear(width, hidden, bias=False), nn.BatchNorm1d(hidden)
        self.relu = nn.ReLU(inplace=True)
        self.linear2 = nn.Linear(hidden, width, bias=last_bias)

    def forward(self, z):
        return self.linear2(self.relu(self.bn1(self.linear1(z))))


class Network(nn.Module):
    """Encoder, projection and, for some methods, a predictor."""

    def __init__(self, about, predictor_hidden=None, last_bias=False):
        super().__init__()
        self.encoder = torch_simclr.ResNet(about["arch"], about["stem"], float(about["width"]))
        hidden = self.encoder.features if about["hidden"] == "auto" else int(about["hidden"])
        if about["tau"].startswith("learn:"):
            self.log_tau = nn.Parameter(torch.tensor([math.log(float(about["tau"].removeprefix("learn:")))]))
        self.projection = projection(self.encoder.features, int(about["head-layers"]), hidden, int(about["out-dim"]),
                                     about["head-norm"])
        if predictor_hidden is not None:
            given = about["predictor-hidden"]
            self.predictor = Predictor(int(about["out-dim"]),
                                       predictor_hidden or hidden if given == "auto" else int(given), last_bias)

    def forward(self, x):
        return self.projection(self.encoder(x))


LEAST_TAU, MOST_TAU = 0.01, 1.0  # of a learned temperature


class SimCLR:
    def __init__(self, about):
        self.about, self.network, self.target = about, Network(about), None

    @property
    def tau(self):
        """A number, or learned as its logarithm (Radford et al. 2021; openai/CLIP, clip/model.py)."""
        return self.network.log_tau.exp() if hasattr(self.network, "log_tau") else float(self.about["tau"])

    def begin(self, state):
        """Called when the network has its initial weights; state: dyad's initial state of the method."""

    def state(self):
        """The target network's weights and running statistics, under dyad's names."""
        state = self.target.state_dict() if self.target else {}
        return {"target." + n: t.clone() for n, t in state.items()}

    def loss(self, x1, x2, done):
        return torch_simclr.with_negatives(self.network(torch.cat([x1, x2])).to(x1.dtype), self.tau, self.about)

    def after_step(self, done):
        """After the optimizer's step."""
        if hasattr(self.network, "log_tau"):
            self.network.log_tau.data.clamp_(math.log(LEAST_TAU), math.log(MOST_TAU))


class SimSiam(SimCLR):
    def __init__(self, about):
        self.network, self.target = Network(about, max(1, int(about["out-dim"]) // 4), last_bias=True), None

    def loss(self, x1, x2, done):
        z1, z2 = self.network(x1), self.network(x2)
        p1, p2 = self.network.predictor(z1), self.network.predictor(z2)
        cos = nn.CosineSimilarity(dim=1)
        return 1 - 0.5 * (cos(p1, z2.detach()).mean() + cos(p2, z1.detach()).mean())


class SupCon(SimCLR):
    """labels: (2N), set before each step."""

    def loss(self, x1, x2, done):
        z = F.normalize(self.network(torch.cat([x1, x2])).to(x1.dtype), dim=1)
        logits = z @ z.T / self.tau
        logits = logits - logits.max(dim=1, keepdim=True)[0].detach()
        others = 1 - torch.eye(len(z), dtype=z.dtype)
        positives = torch.eq(self.labels[:, None], self.labels[None, :]).to(z.dtype) * others
        log_prob = logits - torch.log((torch.exp(logits) * others).sum(1, keepdim=True))
        return -((positives * log_prob).sum(1) / positives.sum(1)).mean()


class WithTarget(SimCLR):
    def __init__(self, about):
        self.about, self.momentum = about, float(about["target-momentum"])
        self.network, self.target = Network(about, 0), None

    def begin(self, state):
        """The target begins as a copy, without the predictor, and in training mode."""
        self.target = copy.deepcopy(self.network)
        del self.target.predictor
        self.target.requires_grad_(False)

    def both(self, x1, x2):
        return [self.network.predictor(self.network(x)) for x in (x1, x2)]

    def rate(self, done):
        """1 - m, where m rises to 1 along half a cosine."""
        return (1 - self.momentum) * (math.cos(math.pi * done) + 1) / 2

    @torch.no_grad()
    def follow(self, rate):
        m = 1 - rate
        ours = dict(self.network.named_parameters())
        for name, p in self.target.named_parameters():
            p.copy_(p * m + ours[name] * (1 - m))


class BYOL(WithTarget):
    def loss(self, x1, x2, done):
        p1, p2 = self.both(x1, x2)
        with torch.no_grad():
            z1, z2 = self.target(x1), self.target(x2)

        def regression(x, y):
            return (F.normalize(x, dim=-1) - F.normalize(y, dim=-1)).square().sum(-1)
        return (regression(p1, z2) + regression(p2, z1)).mean()

    def after_step(self, done):
        self.follow(self.rate(done))


class MoCoV3(WithTarget):
    def loss(self, x1, x2, done):
        q1, q2 = self.both(x1, x2)
        self.follow(self.rate(done))
        with torch.no_grad():
            k1, k2 = self.target(x1), self.target(x2)

        def contrastive(q, k):
            logits = F.normalize(q, dim=1) @ F.normalize(k, dim=1).T / self.tau
            if self.about.get("negatives", "nt-xent") == "nt-xent":
                return F.cross_entropy(logits, torch.arange(len(q), device=q.device)) * (2 * self.tau)
            others = ~torch.eye(len(q), dtype=torch.bool, device=q.device)
            negatives = logits.masked_select(others).view(len(q), -1)
            return torch_simclr.contrast(logits.diagonal(), negatives, self.tau, self.about) * (2 * self.tau)
        return contrastive(q1, k2) + contrastive(q2, k1)


def split_batch_norms(module, groups):
    """Lets each batch norm of a network normalize that many parts of the batch apart (SplitBatchNorm of MoCo's demo)."""
    def forward(self, x):
        means, variances = [self.running_mean.clone() for _ in range(groups)], [self.running_var.clone() for _ in range(groups)]
        parts = [F.batch_norm(part, mean, variance, self.weight, self.bias, True, self.momentum, self.eps)
                 for part, mean, variance in zip(x.chunk(groups), means, variances)]
        self.running_mean.copy_(torch.stack(means).mean(0))
        self.running_var.copy_(torch.stack(variances).mean(0))
        self.num_batches_tracked += 1
        return torch.cat(parts)
    for child in module.modules():
        if isinstance(child, (nn.BatchNorm1d, nn.BatchNorm2d)):
            child.forward = forward.__get__(child)


class MoCoV2(WithTarget):
    """second_places: (N), set before each step if the keys are shuffled: image i's second view is the row of that number."""

    def __init__(self, about):
        super().__init__(about)
        self.network, self.pointer, self.groups = Network(about), 0, int(about["split-norm"])

    def begin(self, state):
        self.target = copy.deepcopy(self.network).requires_grad_(False)
        if hasattr(self.target, "log_tau"):
            del self.target.log_tau
        for network in (self.network, self.target) if self.groups > 1 else ():
            split_batch_norms(network, self.groups)
        dtype = next(self.network.parameters()).dtype
        self.queue = state["queue.keys"].to(dtype).T.clone()
        if self.about["symmetric"] == "true":
            self.first_queue = state["queue.first.keys"].to(dtype).T.clone()

    def loss(self, x1, x2, done):
        if self.about["symmetric"] == "true":
            return self.both_ways(x1, x2)
        q = F.normalize(self.network(x1), dim=1)
        self.follow(1 - self.momentum)
        with torch.no_grad():
            k = F.normalize(self.target(x2), dim=1)
            if self.groups > 1:
                k = k[self.second_places]  # the authors' _batch_unshuffle_ddp
        positive = torch.einsum("nc,nc->n", [q, k]).unsqueeze(-1)
        negative = torch.einsum("nc,ck->nk", [q, self.queue.clone()])
        loss = torch_simclr.contrast(positive.squeeze(-1) / self.tau, negative / self.tau, self.tau, self.about)
        self.queue[:, self.pointer:self.pointer + len(k)] = k.T
        self.pointer = (self.pointer + len(k)) % self.queue.shape[1]
        return loss

    def both_ways(self, x1, x2):
        """solo-learn, methods/mocov2plus.py and losses/mocov2plus.py: a queue for the keys of each view."""
        q1, q2 = F.normalize(self.network(x1), dim=-1), F.normalize(self.network(x2), dim=-1)
        self.follow(1 - self.momentum)
        with torch.no_grad():
            k1, k2 = F.normalize(self.target(x1), dim=-1), F.normalize(self.target(x2), dim=-1)

        def mocov2plus_loss(query, key, queue):
            pos = torch.einsum("nc,nc->n", [query, key]).unsqueeze(-1)
            neg = torch.einsum("nc,ck->nk", [query, queue.clone()])
            return torch_simclr.contrast(pos.squeeze(-1) / self.tau, neg / self.tau, self.tau, self.about)
        loss = (mocov2plus_loss(q1, k2, self.queue) + mocov2plus_loss(q2, k1, self.first_queue)) / 2
        for queue, keys in ((self.queue, k2), (self.first_queue, k1)):
            queue[:, self.pointer:self.pointer + len(keys)] = keys.T
        self.pointer = (self.pointer + len(k1)) % self.queue.shape[1]
        return loss

    def state(self):
        if self.about["symmetric"] == "true":
            first = self.first_queue.T.clone(memory_format=torch.contiguous_format)
            return self.one_queue() | {"queue.first.keys": first, "queue.first.cursor": torch.tensor(self.pointer)}
        return self.one_queue()

    def one_queue(self):
        return super().state() | {"queue.keys": self.queue.T.clone(memory_format=torch.contiguous_format), "queue.cursor": torch.tensor(self.pointer)}


METHODS = {"simclr": SimCLR, "byol": BYOL, "moco2": MoCoV2, "moco3": MoCoV3, "simsiam": SimSiam, "supcon": SupCon}
