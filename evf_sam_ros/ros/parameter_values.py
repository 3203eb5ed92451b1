"""Parameter values as people write them: integers for floats, files with unchanged values."""

from collections.abc import Callable, Iterable
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters
from rclpy.exceptions import ParameterNotDeclaredException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.parameter_service import ParameterService

# What an integer becomes where a float is declared.
FLOATS: dict[tuple[Any, Any], Callable[[Any], Any]] = {
    (Parameter.Type.INTEGER, Parameter.Type.DOUBLE): float,
    (Parameter.Type.INTEGER_ARRAY, Parameter.Type.DOUBLE_ARRAY): lambda values: [
        float(each) for each in values
    ],
}


class LenientParameters(Node):
    """A node that accepts integers for floats and checks all values of a request together.

    rclpy sets the parameters of a request one after the other, so that two that only fit together
    are both refused, and refuses read-only parameters even where the value stays the same. With
    this class `ros2 param load` accepts what `ros2 param dump` has written.
    """

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **{**options, "start_parameter_services": False})
        self._parameter_service = TogetherParameterService(self)

    def set_parameters_atomically(
        self, parameter_list: "list[Parameter[Any]]"
    ) -> SetParametersResult:
        """Set all of these or none; called by the parameter services."""
        return super().set_parameters_atomically(list(self._changes(parameter_list)))

    def _changes(self, parameters: "Iterable[Parameter[Any]]") -> "Iterable[Parameter[Any]]":
        for given in parameters:
            if not self.has_parameter(given.name):
                yield given
                continue
            current = self.get_parameter(given.name)
            wanted = as_declared(given, current.type_)
            if wanted.type_ != current.type_ or not is_equal(wanted.value, current.value):
                yield wanted


class TogetherParameterService(ParameterService):
    """Parameter services of a node that check the values of one request together."""

    def _set_parameters_callback(
        self, request: SetParameters.Request, response: SetParameters.Response
    ) -> SetParameters.Response:
        node = self._node_weak_ref()
        assert node is not None  # the service is the node's own
        try:
            together = node.set_parameters_atomically(
                [Parameter.from_parameter_msg(each) for each in request.parameters]
            )
        except ParameterNotDeclaredException:
            together = SetParametersResult(successful=False)
        if together.successful:
            response.results = [together] * len(request.parameters)
            return response
        return super()._set_parameters_callback(request, response)


ARRAYS = (
    Parameter.Type.BYTE_ARRAY,
    Parameter.Type.BOOL_ARRAY,
    Parameter.Type.INTEGER_ARRAY,
    Parameter.Type.DOUBLE_ARRAY,
    Parameter.Type.STRING_ARRAY,
)


def as_declared(given: "Parameter[Any]", kind: Any) -> "Parameter[Any]":
    """Return a parameter as the declared type where an integer stands for a float.

    An empty list has no type of its own: it becomes an empty list of the declared type.
    """
    if kind in ARRAYS and given.type_ in (*ARRAYS, Parameter.Type.NOT_SET) and not given.value:
        return Parameter(given.name, kind, [])
    convert = FLOATS.get((given.type_, kind))
    return Parameter(given.name, kind, convert(given.value)) if convert else given


def is_equal(one: Any, other: Any) -> bool:
    """Compare two values; arrays come as list, tuple or array.array."""
    if hasattr(one, "__len__") and not isinstance(one, str):
        return hasattr(other, "__len__") and list(one) == list(other)
    return bool(one == other)
