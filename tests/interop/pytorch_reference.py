"""State dicts whose values a formula gives, and files as PyTorch writes them.

The fixtures hold names and shapes only; `tests/fixtures/README.md` has the
formula.
"""

import json
import pathlib
import zlib

import numpy as np

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"


def shapes(name):
    """Returns shapes by name of both networks of a fixture."""
    listed = json.loads((FIXTURES / name / "variables.json").read_text())
    networks = {"G": {}, "D": {}}
    for variable, shape in listed:
        networks[variable[0]][variable[2:]] = tuple(shape)
    return networks


def outputs(name):
    """Returns what PyTorch gave, with channels last."""
    with np.load(FIXTURES / name / "outputs.npz") as arrays:
        return {
            key: value.transpose(0, 2, 3, 1) if value.ndim == 4 else value
            for key, value in arrays.items()
        }


def draw(name, shape):
    """Returns standard normal numbers that depend on the name alone."""
    random = np.random.RandomState(zlib.crc32(name.encode()) & 0xFFFFFFFF)
    return random.standard_normal(shape).astype(np.float32)


def value(network, name, shape):
    """Returns the value of a variable.

    Args:
        network: `G` or `D`.
        name: of the variable, without the network.
        shape: of the variable.
    """
    x = draw(f"{network}.{name}", shape)
    leaf = name.rsplit(".", 1)[-1]
    if leaf in ("gamma", "sigma"):
        return np.full(shape, {"G": 0.6, "D": 0.4}[network], np.float32)
    if leaf == "running_var":
        return 1 + 0.2 * np.tanh(x)
    if len(shape) > 1:
        return x / np.float32(np.sqrt(np.prod(shape[1:])))
    if leaf == "weight":
        return 1 + 0.1 * x
    return 0.1 * x


def with_vectors(state, kernel):
    """Adds the singular vectors of every kernel of a name's ending."""
    state = dict(state)
    for name in [name for name in state if name.endswith(kernel)]:
        start = name[: -len(kernel)]
        matrix = state[name].reshape(len(state[name]), -1)
        left = left_vector(matrix)
        right = left @ matrix
        state[start + "weight_u"] = left
        state[start + "weight_v"] = right / np.linalg.norm(right)
    return state


def left_vector(matrix):
    """Returns the left singular vector of the largest singular value."""
    # Of the smaller of the two squares: hundreds of rows, thousands of columns.
    if matrix.shape[0] > matrix.shape[1]:
        right = np.linalg.eigh((matrix.T @ matrix).astype(np.float64))[1][:, -1]
        left = matrix @ right
        return (left / np.linalg.norm(left)).astype(np.float32)
    square = (matrix @ matrix.T).astype(np.float64)
    return np.linalg.eigh(square)[1][:, -1].astype(np.float32)


def state_dicts(name, kernel):
    """Returns the state dicts of both networks of a fixture.

    Args:
        name: of the fixture.
        kernel: ending of the names of normalized kernels.
    """
    return [
        with_vectors(
            {
                variable: value(network, variable, shape)
                for variable, shape in variables.items()
                if not variable.endswith(("weight_u", "weight_v"))
            },
            kernel,
        )
        for network, variables in shapes(name).items()
    ]
