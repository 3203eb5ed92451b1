"""A stand-in for `tensorrt` that runs by ONNX Runtime on a CPU; it refuses other shapes."""

import ctypes
import pickle
from types import ModuleType

import numpy as np
import onnxruntime

TYPES = {
    "tensor(float)": np.float32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}


class Logger:
    WARNING = 1

    def __init__(self, level):
        self.level = level


class NetworkDefinitionCreationFlag:
    STRONGLY_TYPED = 3


class BuilderFlag:
    TF32 = "TF32"


class Profile(dict):
    def set_shape(self, name, least, likely, most):
        assert all(a <= b <= c for a, b, c in zip(least, likely, most, strict=True))
        self[name] = (least, most)


class Settings:
    def __init__(self):
        self.profiles, self.cleared = [], []

    def clear_flag(self, flag):
        self.cleared.append(flag)

    def add_optimization_profile(self, profile):
        self.profiles.append(profile)


class Builder:
    built = 0

    def __init__(self, logger):
        pass

    def create_network(self, flags):
        assert flags == 1 << NetworkDefinitionCreationFlag.STRONGLY_TYPED
        return type("Network", (), {})()

    def create_builder_config(self):
        return Settings()

    def create_optimization_profile(self):
        return Profile()

    def build_serialized_network(self, network, settings):
        assert settings.cleared == [BuilderFlag.TF32]
        Builder.built += 1
        return pickle.dumps((network.path, [dict(each) for each in settings.profiles]))


class OnnxParser:
    refused = ""
    num_errors = 1

    def __init__(self, network, logger):
        self.network = network

    def parse_from_file(self, path):
        self.network.path = path
        return not self.refused

    def get_error(self, index):
        return type("Error", (), {"desc": lambda _: self.refused})()


class Runtime:
    def __init__(self, logger):
        pass

    def deserialize_cuda_engine(self, plan):
        try:
            return Engine(*pickle.loads(plan))
        except pickle.UnpicklingError:
            return None


class Engine:
    def __init__(self, path, profiles):
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.profiles = profiles

    def create_execution_context(self):
        return Context(self)


class Context:
    def __init__(self, engine):
        self.session, self.profiles = engine.session, engine.profiles
        self.shapes, self.addresses = {}, {}

    def set_optimization_profile_async(self, profile, stream):
        self.profile = self.profiles[profile]

    def set_input_shape(self, name, shape):
        least, most = self.profile[name]
        assert all(a <= b <= c for a, b, c in zip(least, shape, most, strict=True)), (name, shape)
        self.shapes[name] = shape

    def set_tensor_address(self, name, address):
        self.addresses[name] = address

    def get_tensor_shape(self, name):
        sizes = {}
        for each in self.session.get_inputs():
            sizes |= dict(zip(each.shape, self.shapes[each.name], strict=True))
        shape = next(each.shape for each in self.session.get_outputs() if each.name == name)
        return [sizes.get(side, side) for side in shape]

    def execute_async_v3(self, stream):
        given = {
            each.name: self._array(each.name, self.shapes[each.name], TYPES[each.type]).copy()
            for each in self.session.get_inputs()
        }
        names = [each.name for each in self.session.get_outputs()]
        for name, answer in zip(names, self.session.run(names, given), strict=True):
            self._array(name, answer.shape, answer.dtype)[...] = answer
        return True

    def _array(self, name, shape, dtype):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        memory = (ctypes.c_byte * size).from_address(self.addresses[name])
        return np.frombuffer(memory, dtype).reshape(shape)


def module(version="10.0"):
    """Return a module to import as `tensorrt`."""
    made = ModuleType("tensorrt")
    made.__version__ = version
    for each in (Logger, NetworkDefinitionCreationFlag, BuilderFlag, Builder, OnnxParser, Runtime):
        setattr(made, each.__name__, each)
    return made
