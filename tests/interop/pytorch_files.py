"""Files as `torch.save` writes them, made without PyTorch.

A pickle only names functions, so two modules with the right names will do.
"""

import contextlib
import io
import pickle
import sys
import types
import zipfile

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
STORAGES = {"float32": "FloatStorage", "int64": "LongStorage"}


def _rebuild_tensor_v2(*_):
    """What a file names for each tensor."""


def _modules():
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch._utils = utils
    for name in STORAGES.values():
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    return {"torch": torch, "torch._utils": utils}


@contextlib.contextmanager
def _named():
    """Lets pickles name what PyTorch's name."""
    modules = _modules()
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    _rebuild_tensor_v2.__module__ = "torch._utils"
    try:
        yield modules["torch"]
    finally:
        _rebuild_tensor_v2.__module__ = __name__
        for name, module in before.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module


class _Storage:
    def __init__(self, array, key):
        self.array, self.key = array, key


class _Tensor:
    def __init__(self, array, key, offset=0):
        self.storage = _Storage(array, key)
        self.arguments = (
            offset,
            array.shape,
            tuple(stride // array.itemsize for stride in array.strides),
            False,
            {},
        )

    def __reduce__(self):
        return _rebuild_tensor_v2, (self.storage, *self.arguments)


class _Pickler(pickle.Pickler):
    def __init__(self, file, torch, views=()):
        super().__init__(file, protocol=2)
        self.torch, self.views = torch, views

    def persistent_id(self, thing):
        if not isinstance(thing, _Storage):
            return None
        kind = getattr(self.torch, STORAGES[thing.array.dtype.name])
        size = thing.array.size
        return ("storage", kind, thing.key, "cuda:0", size, *self.views)


def _contiguous(array):
    """An array whose memory has the order of its axes, or the reverse."""
    array = np.asarray(array)
    return array if array.flags.f_contiguous else np.ascontiguousarray(array)


def _tensors(state, offset):
    arrays = {name: _contiguous(array) for name, array in state.items()}
    return arrays, {
        name: _Tensor(array, str(index), offset)
        for index, (name, array) in enumerate(arrays.items())
    }


def write(path, state, wrap=lambda tensors: tensors, offset=0):
    """Writes an archive, the format since PyTorch 1.6.

    Args:
        path: the file.
        state: arrays by name.
        wrap: what to make of the tensors by name before they are stored.
        offset: where each tensor claims to begin.
    """
    arrays, tensors = _tensors(state, offset)
    content = io.BytesIO()
    with _named() as torch:
        _Pickler(content, torch).dump(wrap(tensors))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content.getvalue())
        for index, array in enumerate(arrays.values()):
            archive.writestr(f"archive/data/{index}", array.tobytes("A"))
    return path


def write_old(path, state):
    """Writes the sequence of pickles of PyTorch before 1.6."""
    arrays, tensors = _tensors(state, 0)
    with path.open("wb") as file:
        for header in (MAGIC, 1001, {"little_endian": True}):
            pickle.dump(header, file, protocol=2)
        with _named() as torch:
            _Pickler(file, torch, (None,)).dump(tensors)
        pickle.dump([str(i) for i in range(len(arrays))], file, protocol=2)
        for array in arrays.values():
            file.write(array.size.to_bytes(8, "little"))
            file.write(array.tobytes("A"))
    return path
