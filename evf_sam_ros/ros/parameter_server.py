"""Declaration of a node's parameters from a frozen dataclass, and the check of every change.

A change takes effect when the dataclass says; what comes too late is refused with the reason.
"""

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from evf_sam_ros.ros.parameter_values import as_declared, is_equal
from evf_sam_ros.ros.parameters import Effect, Settings

OF_RCLPY = ("qos_overrides.", "start_type_description_service")

S = TypeVar("S", bound=Settings)


class ParameterServer(Generic[S]):
    """Declares the fields of a dataclass as parameters and holds their values in `current`."""

    def __init__(self, node: Node, settings: type[S]) -> None:
        self._effects = {each.name: each.metadata["effect"] for each in fields(settings)}
        self._fixed: frozenset[Effect] = frozenset()
        declared = {each.name: _declare(node, each) for each in fields(settings)}
        self.current = settings(**declared)
        self.listeners: list[Callable[[], None]] = []  # called after each change
        _warn_of_unknown(node, declared)
        node.add_on_set_parameters_callback(self._on_set)

    def fix(self, *effects: Effect) -> None:
        """Refuse changes of parameters that are read at these times; none lifts every refusal."""
        self._fixed = frozenset(effects)

    def _on_set(self, parameters: Iterable["Parameter[Any]"]) -> SetParametersResult:
        changes = {
            p.name: _tupled(p.value)
            for p in parameters
            if p.name in self._effects and not is_equal(p.value, getattr(self.current, p.name))
        }
        for name in changes:
            if self._effects[name] in self._fixed:
                reason = _refusal(name, self._effects[name])
                return SetParametersResult(successful=False, reason=reason)
        try:
            self.current = replace(self.current, **changes)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        for listener in self.listeners:
            listener()
        return SetParametersResult(successful=True)


def _refusal(name: str, effect: Effect) -> str:
    steps = {
        Effect.ACTIVATE: "deactivate the node, set it, activate",
        Effect.CONFIGURE: "deactivate and clean up the node, set it, configure and activate",
    }
    return f"{name} is read {effect.value}: {steps[effect]}"


def _warn_of_unknown(node: Node, declared: Iterable[str]) -> None:
    """Name the parameters of a file or command line that the node does not have."""
    known = [*declared, "use_sim_time"]
    for name in _overrides(node):
        if name in known or name.startswith(OF_RCLPY) or node.has_parameter(name):
            continue
        close = get_close_matches(name, known, n=1)
        hint = f"; {close[0]!r} is meant?" if close else f"; there are {', '.join(sorted(known))}"
        node.get_logger().warning(f"Unknown parameter {name!r} has no effect{hint}")


def _declare(node: Node, each: Any) -> Any:
    if each.default == ():
        return _declare_names(node, each)
    given = _overrides(node).get(each.name)
    if given is not None:
        declared = Parameter.Type.from_parameter_value(_listed(each.default))
        _overrides(node)[each.name] = as_declared(given, declared)
    try:
        return node.declare_parameter(each.name, each.default, _descriptor(each)).value
    except InvalidParameterTypeException as error:
        several = isinstance(each.default, tuple)
        kind = "list of floats" if several else type(each.default).__name__
        example = list(each.default) if several else each.default
        raise ValueError(f"parameter {each.name} must be a {kind}, as {example!r}") from error
    except InvalidParameterValueException as error:
        low, high = each.metadata["range"]
        raise ValueError(f"parameter {each.name} must be {low:g} to {high:g}") from error


def _declare_names(node: Node, each: Any) -> tuple[str, ...]:
    """Declare a list of strings; rclpy takes an empty one for bytes, unless it is set later."""
    given = _overrides(node).get(each.name)
    if given is not None and not given.value:
        del _overrides(node)[each.name]
    kind = Parameter.Type.STRING_ARRAY
    try:
        names: Any = node.declare_parameter(each.name, kind, _descriptor(each)).value
    except InvalidParameterTypeException as error:
        text = f"parameter {each.name} must be a list of strings, as ['one', 'two']"
        raise ValueError(text) from error
    if names is None:
        node.set_parameters([Parameter(each.name, kind, ())])
    return tuple(names or ())


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _overrides(node: Node) -> dict[str, Any]:
    """Return what the node was given by files and the command line; rclpy has no public name."""
    return getattr(node, "_parameter_overrides", {})


def _descriptor(each: Any) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        description=each.metadata["help"], read_only=each.metadata["effect"] is Effect.START
    )
    if each.metadata["choices"]:
        descriptor.additional_constraints = "one of " + ", ".join(each.metadata["choices"])
    if bounds := each.metadata["range"]:
        if isinstance(each.default, int):
            descriptor.integer_range = [IntegerRange(from_value=bounds[0], to_value=bounds[1])]
        else:
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=bounds[0], to_value=bounds[1])
            ]
    return descriptor
