"""The service ~/set_classes, and what becomes of the parameter `classes`."""

from collections.abc import Callable

from rclpy.lifecycle import LifecycleNode
from rclpy.parameter import Parameter

from evf_sam_ros.perception.class_table import ClassTable, SemanticClass
from evf_sam_ros.perception.predictor import Predictor
from evf_sam_ros.ros.interface import SET_CLASSES
from evf_sam_ros.ros.node.services import QUEUE
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.srv import SetClasses


class Classes:
    """Keeps the table of classes equal to the parameter `classes`, whoever changes it."""

    def __init__(
        self,
        node: LifecycleNode,
        parameters: Callable[[], NodeParameters],
        predictor: Callable[[], Predictor | None],
    ) -> None:
        """Offer the service, in every lifecycle state.

        Args:
            node: the node, which has the parameter.
            parameters: returns its current parameters.
            predictor: returns its model, None before it is loaded.
        """
        self.table = ClassTable()
        self._node = node
        self._parameters = parameters
        self._predictor = predictor
        node.create_service(SetClasses, SET_CLASSES.name, self._on_set, qos_profile=QUEUE)
        self.follow_parameter()

    def follow_parameter(self) -> None:
        """Take over the parameter; called after every change of one."""
        names = self._parameters().classes
        if [each.name for each in self.table.current] == list(names):
            return
        try:
            self.table.change(names)
        except ValueError as error:
            self._node.get_logger().error(f"The classes stay as they were: {error}")
        self.warn()

    def warn(self) -> None:
        """Log what the model cannot read."""
        for each in self.table.current:
            if objection := self._objection(each.name):
                self._node.get_logger().warning(f"Class {each.name!r}: {objection}")

    def _on_set(
        self, request: SetClasses.Request, response: SetClasses.Response
    ) -> SetClasses.Response:
        names, ids = list(request.names), list(request.ids)
        try:
            self._check_words(names)
            self.table.change(names, ids)
        except ValueError as error:
            response.message = str(error)
            return response
        kind = Parameter.Type.STRING_ARRAY
        self._node.set_parameters_atomically([Parameter("classes", kind, names)])
        response.success = True
        response.message = self._told()
        return response

    def _check_words(self, names: list[str]) -> None:
        """Raise ValueError for a name that the model cannot be asked for."""
        predictor = self._predictor()
        for name in names:
            if predictor is not None and name.strip():
                predictor.check(name)

    def _objection(self, name: str) -> str:
        """Return why the model will not find a class, empty if it may."""
        predictor = self._predictor()
        if predictor is None:
            return ""
        try:
            predictor.check(name)
        except ValueError as error:
            return str(error)
        unknown = [] if predictor.reads_unknown else predictor.unknown_words(name)
        words = ", ".join(repr(word) for word in unknown)
        return f"the model does not know {words}" if unknown else ""

    def _told(self) -> str:
        classes = self.table.current
        if not classes:
            return "no classes"
        parts = [f"classes: {', '.join(map(_named, classes))}"]
        objections = {each.name: self._objection(each.name) for each in classes}
        parts += [f"{name!r}: {said}" for name, said in objections.items() if said]
        return "; ".join(parts)


def _named(each: SemanticClass) -> str:
    return f"{each.id} {each.name}"
