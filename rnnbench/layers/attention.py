"""Attention: a weighted mean over steps. The transformer's, and the read-out's around any layer.

    additive (Bahdanau et al., 2015):    score(h, y) = V . tanh(h Q + y K + b)
    dot (Luong et al., 2015; scaled as in Vaswani et al., 2017):    score(h, y) = h . y / sqrt(width)

torch's fused attention gives each run of a stack the bits that it has alone, and needs no memory for a score of every
pair of steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnnbench.cells import Parameters, Shapes
from rnnbench.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


def shapes(kind: str, width: int, H: int) -> Shapes:
    """What a read-out's attention is made of: the additive one has H hidden units."""
    return {} if kind == "dot" else {"Q": (width, H), "K": (width, H), "b": (1, H), "V": (1, H)}


def attend(p: Parameters, hs: Tensor, ys: Tensor, seen: Sequence[int]) -> Tensor:
    """For each of K answers hs (..., K, B, W) the mean of ys (..., T, B, W) as it attends to them: (..., K, B, W).

    `seen` says how many of the T steps each answer may look at. Additive where there are parameters, else dot.
    """
    T = ys.shape[-3]
    if not p:
        mask = None
        if min(seen) < T:
            mask = torch.arange(T, device=ys.device) < torch.tensor(seen, device=ys.device).unsqueeze(-1)
        q, k = (x.transpose(-3, -2).unsqueeze(-3) for x in (hs, ys))  # (..., B, 1 head, K or T, W)
        return weigh(q, k, k, mask).squeeze(-3).transpose(-3, -2)
    keys = (ys.flatten(-3, -2) @ p["K"] + p["b"]).reshape(*ys.shape[:-1], -1)
    queries = (hs.flatten(-3, -2) @ p["Q"]).reshape(*hs.shape[:-1], -1)
    V = p["V"].transpose(-2, -1)
    scores = []
    for end, q in zip(seen, queries.unbind(-3), strict=True):  # all answers at once could take gigabytes
        hidden = torch.tanh(keys[..., :end, :, :] + q.unsqueeze(-3))
        score = (hidden.flatten(-3, -2) @ V).reshape(hidden.shape[:-1])  # (..., end, B)
        scores.append(torch.nn.functional.pad(score, (0, 0, 0, T - end), value=-torch.inf))
    weights = torch.log_softmax(torch.stack(scores, -3).movedim(-1, -3), -1).exp()  # (..., B, K, T)
    return (weights @ ys.transpose(-3, -2)).transpose(-3, -2)


def weigh(q: Tensor, k: Tensor, v: Tensor, seen: Tensor | None = None, causal: bool = False) -> Tensor:
    """Scaled dot products: q (..., heads, K, D), k (..., heads, T, D), v (..., heads, T, D) -> (..., heads, K, D).

    `seen` (K, T) or (heads, K, T) is true where q may look, or a number to be added to the score there.
    """
    q4, k4, v4 = (x.reshape(-1, *x.shape[-3:]) for x in (q, k, v))
    found = torch.nn.functional.scaled_dot_product_attention(q4, k4, v4, attn_mask=seen, is_causal=causal)
    return found.reshape(q.shape)
