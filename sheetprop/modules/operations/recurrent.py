"""Recurrent layers, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.modules.derivation import Call, Derivation
from sheetprop.modules.operations.base import Operation
from sheetprop.modules.tensors import Tensor


class Recurrent(Operation):
    """What the recurrent layers share: layers, directions, steps."""

    gates = 1

    def forward(self, d: Derivation, call: Call) -> Any:
        """Run through layers, directions and steps."""
        x = call["input"]
        if call["train"] and call["dropout"] and call["num_layers"] > 1:
            raise SheetpropError(f"{call.target}: dropout between recurrent layers has no rule in training; "
                                 "use --eval or dropout=0")
        batched = x.places.ndim == 3
        steps = x.places if batched else x.places[:, None]
        if batched and call["batch_first"]:
            steps = np.swapaxes(steps, 0, 1)
        hidden = call["hx"] if isinstance(call["hx"], list | tuple) else [call["hx"]]
        states = [one.places if batched else one.places[:, None] for one in hidden]
        params, last = list(call["params"]), []
        directions = 2 if call["bidirectional"] else 1
        per = 2 + 2 * bool(call["has_biases"]) + (self.gates == 4 and len(params) % (4 * bool(
            call["has_biases"]) + 2 * (not call["has_biases"])) != 0)
        inputs = [steps[t] for t in range(len(steps))]
        for layer in range(call["num_layers"]):
            tracks = []
            for direction in range(directions):
                k = layer * directions + direction
                own = params[k * per:(k + 1) * per]
                state = [one[k] for one in states]
                order = range(len(inputs)) if direction == 0 else reversed(range(len(inputs)))
                track: dict[int, Any] = {}
                for t in order:
                    mark = f"{f'l{layer}.' if call['num_layers'] > 1 else ''}{'back.' if direction else ''}t{t}"
                    state = self.step(d, call, mark, inputs[t], state, own)
                    track[t] = state[0]
                tracks.append([track[t] for t in range(len(inputs))])
                last.append(state)
            inputs = [np.concatenate([track[t] for track in tracks], axis=-1) for t in range(len(inputs))]
        out = np.stack(inputs, axis=1 if call["batch_first"] and batched else 0)
        finals = [np.stack([one[k] for one in last]) for k in range(len(states))]
        if not batched:
            out, finals = out[:, 0], [one[:, 0] for one in finals]
        return (Tensor(out), *(Tensor(one) for one in finals))

    def step(self, d: Derivation, call: Call, mark: str, x: Any, state: list[Any], own: list[Tensor]) -> list[Any]:
        """Return the next state, places ``[N, hidden]`` each."""
        raise NotImplementedError


def weighted(d: Derivation, name: str, parts: list[tuple[Any, Any, Tensor | None]]) -> Tensor:
    """Return ``Σ x·wᵀ + b`` over several inputs as one weighted sum: weights side by side, which costs no cell.

    Args:
        d: the derivation.
        name: of the block.
        parts: places of an input ``[N, I]``, places of its weights ``[O, I]``, and its bias.
    """
    ones = np.full((len(parts[0][0]), 1), d.constant(1.0), dtype=np.int64)
    xs, ws = [], []
    biases = [bias for _, _, bias in parts if bias is not None]
    for x, w, _ in parts:
        xs.append(x)
        ws.append(w)
    for bias in biases[1:]:
        xs.append(ones)
        ws.append(bias.places[:, None])
    with d.naming(name):
        found: Tensor = d.apply("aten.linear.default", Tensor(np.concatenate(xs, axis=1)),
                                Tensor(np.concatenate(ws, axis=1)), biases[0] if biases else None)
    return found


def _weights(own: list[Tensor]) -> tuple[Any, Any, Tensor | None, Tensor | None, Tensor | None]:
    """Return input weights, hidden weights, their biases and the projection."""
    biases = own[2:4] if len(own) >= 4 else [None, None]
    projection = own[-1] if len(own) in (3, 5) else None
    return own[0].places, own[1].places, biases[0], biases[1], projection


class Rnn(Recurrent):
    """The plain recurrent layer."""

    names = ("rnn_tanh", "rnn_relu")
    sentence = "At each step the new state is the tanh (or rectifier) of weighted sums of the input and the old state."
    equation = "h[t] = tanh(x[t]·Wᵀ + b + h[t-1]·Uᵀ + c)"

    def step(self, d: Derivation, call: Call, mark: str, x: Any, state: list[Any], own: list[Tensor]) -> list[Any]:
        """Return the next state."""
        w, u, b, c, _ = _weights(own)
        total = weighted(d, f"{mark}.sum", [(x, w, b), (state[0], u, c)])
        with d.naming(f"{mark}.h"):
            return [d.apply("aten.relu.default" if "relu" in call.target else "aten.tanh.default", total).places]


class Lstm(Recurrent):
    """Long short-term memory."""

    names = ("lstm",)
    gates = 4
    sentence = ("A cell state is kept from step to step: the forget gate says how much of it stays, the input gate how "
                "much of the candidate is added, the output gate how much of it is shown.")
    equation = ("i, f, o = σ(x·Wᵀ + b + h·Uᵀ + c), g = tanh(...);  c[t] = f·c[t-1] + i·g;  h[t] = o·tanh(c[t])")

    def step(self, d: Derivation, call: Call, mark: str, x: Any, state: list[Any], own: list[Tensor]) -> list[Any]:
        """Return the next hidden and cell state."""
        w, u, b, c, projection = _weights(own)
        size = len(w) // 4
        total = weighted(d, f"{mark}.gates", [(x, w, b), (state[0], u, c)])
        parts = [Tensor(total.places[:, k * size:(k + 1) * size]) for k in range(4)]
        gates = []
        for name, part, how in zip("ifgo", parts, ("sigmoid", "sigmoid", "tanh", "sigmoid"), strict=True):
            with d.naming(f"{mark}.{name}"):
                gates.append(d.apply(f"aten.{how}.default", part))
        i, f, g, o = gates
        with d.naming(f"{mark}.kept"):
            kept = d.apply("aten.mul.Tensor", f, Tensor(state[1]))
        with d.naming(f"{mark}.c"):
            cell = d.apply("aten.addcmul.default", kept, i, g)
        with d.naming(f"{mark}.tanh_c"):
            shown = d.apply("aten.tanh.default", cell)
        with d.naming(f"{mark}.h"):
            hidden = d.apply("aten.mul.Tensor", o, shown)
            if projection is not None:
                hidden = d.apply("aten.linear.default", hidden, projection, None)
        return [hidden.places, cell.places]


class Gru(Recurrent):
    """Gated recurrent unit."""

    names = ("gru",)
    sentence = ("The reset gate says how much of the old state the candidate sees, the update gate how much of the old "
                "state stays.")
    equation = "r, z = σ(x·Wᵀ + b + h·Uᵀ + c);  n = tanh(x·Wᵀ + b + r·(h·Uᵀ + c));  h[t] = n + z·(h[t-1] - n)"

    def step(self, d: Derivation, call: Call, mark: str, x: Any, state: list[Any], own: list[Tensor]) -> list[Any]:
        """Return the next state."""
        w, u, b, c, _ = _weights(own)
        size, h = len(w) // 3, state[0]

        def part(one: Tensor | None, k: int, to: int) -> Tensor | None:
            return None if one is None else Tensor(one.places[k * size:to * size])

        both = weighted(d, f"{mark}.gates", [(x, w[:2 * size], part(b, 0, 2)), (h, u[:2 * size], part(c, 0, 2))])
        with d.naming(f"{mark}.r"):
            r = d.apply("aten.sigmoid.default", Tensor(both.places[:, :size]))
        with d.naming(f"{mark}.z"):
            z = d.apply("aten.sigmoid.default", Tensor(both.places[:, size:]))
        ours = weighted(d, f"{mark}.new_x", [(x, w[2 * size:], part(b, 2, 3))])
        theirs = weighted(d, f"{mark}.new_h", [(h, u[2 * size:], part(c, 2, 3))])
        with d.naming(f"{mark}.mixed"):
            mixed = d.apply("aten.addcmul.default", ours, r, theirs)
        with d.naming(f"{mark}.n"):
            n = d.apply("aten.tanh.default", mixed)
        with d.naming(f"{mark}.change"):
            change = d.apply("aten.sub.Tensor", Tensor(h), n)
        with d.naming(f"{mark}.h"):
            return [d.apply("aten.addcmul.default", n, z, change).places]


OPERATIONS: tuple[Operation, ...] = (Rnn(), Lstm(), Gru())
