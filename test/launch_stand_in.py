"""Stand-in for ROS's `launch`: the processes that a launch file would start.

No index of Python packages has `launch`. This stand-in covers what our launch files use, so that
they can be evaluated, and what they start can be started, everywhere. Where the real packages are
installed, test_launch.py uses those as well.
"""

import importlib.util
import os
import sys
import types
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Context:
    """The state of a launch: arguments, environment, and what was started."""

    launch_configurations: dict
    environment: dict = field(default_factory=dict)
    pushed_namespace: str = ""
    declared: dict = field(default_factory=dict)
    started: list = field(default_factory=list)


@dataclass(frozen=True)
class Process:
    """One process that the launch file starts, with its parameters and remappings performed."""

    package: str
    executable: str
    name: str
    namespace: str
    parameters: tuple  # files, and dictionaries of performed values
    remappings: dict
    arguments: list
    environment: dict
    respawn: bool = False


def text(context, value):
    """Perform a substitution, or a list of them, or plain text."""
    if isinstance(value, list | tuple):
        return "".join(text(context, each) for each in value)
    return value.perform(context) if hasattr(value, "perform") else str(value)


class Substitution:
    pass


class LaunchConfiguration(Substitution):
    def __init__(self, name):
        self.name = name

    def perform(self, context):
        if self.name not in context.launch_configurations:
            raise KeyError(f"launch configuration {self.name!r} does not exist")
        return context.launch_configurations[self.name]


class PathJoinSubstitution(Substitution):
    def __init__(self, parts):
        self.parts = parts

    def perform(self, context):
        return os.path.join(*(text(context, part) for part in self.parts))


class PythonExpression(Substitution):
    def __init__(self, parts):
        self.parts = parts

    def perform(self, context):
        return str(eval(text(context, self.parts), {}))


class FindPackageShare(Substitution):
    shares = None  # where each package keeps its files, by name

    def __init__(self, package):
        self.package = package

    def perform(self, context):
        return str(self.shares[self.package])


class ParameterValue:
    def __init__(self, value, *, value_type):
        self.value, self.value_type = value, value_type


class IfCondition:
    def __init__(self, predicate):
        self.predicate = predicate

    def holds(self, context):
        value = text(context, self.predicate).lower()
        assert value in ("true", "false", "1", "0"), value
        return value in ("true", "1")


class Action:
    def __init__(self, *, condition=None):
        self.condition = condition

    def visit(self, context):
        if self.condition is None or self.condition.holds(context):
            for each in self.execute(context) or ():
                each.visit(context)


class LaunchDescription:
    def __init__(self, entities):
        self.entities = entities

    def visit(self, context):
        for each in self.entities:
            each.visit(context)


class DeclareLaunchArgument(Action):
    def __init__(self, name, *, default_value=None, description, choices=None, **options):
        super().__init__(**options)
        self.choices = choices
        self.name, self.default_value, self.description = name, default_value, description

    def execute(self, context):
        context.declared.setdefault(self.name, self)
        if self.name not in context.launch_configurations:
            if self.default_value is None:
                raise ValueError(f"the launch argument {self.name!r} is needed")
            context.launch_configurations[self.name] = text(context, self.default_value)
        value = context.launch_configurations[self.name]
        if self.choices is not None and value not in self.choices:
            raise RuntimeError(f"argument {self.name!r} is {value!r}, not one of {self.choices}")


class OpaqueFunction(Action):
    def __init__(self, *, function, **options):
        super().__init__(**options)
        self.function = function

    def execute(self, context):
        return self.function(context)


class SetEnvironmentVariable(Action):
    def __init__(self, name, value, **options):
        super().__init__(**options)
        self.name, self.value = name, value

    def execute(self, context):
        context.environment[text(context, self.name)] = text(context, self.value)


class PythonLaunchDescriptionSource:
    def __init__(self, location):
        self.location = location


class IncludeLaunchDescription(Action):
    def __init__(self, source, *, launch_arguments=(), **options):
        super().__init__(**options)
        self.source, self.launch_arguments = source, launch_arguments

    def execute(self, context):
        for name, value in self.launch_arguments:
            context.launch_configurations[name] = text(context, value)
        path = text(context, self.source.location)
        if not Path(path).exists():  # the launch file of a driver that is not installed
            context.started.append(path)
            return []
        return [load(path)]


class GroupAction(Action):
    def __init__(self, actions, **options):
        super().__init__(**options)
        self.actions = actions

    def execute(self, context):
        outer = (dict(context.launch_configurations), context.pushed_namespace)
        for each in self.actions:
            each.visit(context)
        context.launch_configurations, context.pushed_namespace = outer


class PushRosNamespace(Action):
    def __init__(self, namespace, **options):
        super().__init__(**options)
        self.namespace = namespace

    def execute(self, context):
        assert text(context, self.namespace), "an empty namespace is pushed"
        context.pushed_namespace += f"/{text(context, self.namespace)}"


class ExecuteProcess(Action):
    def __init__(self, *, cmd, output, **options):
        super().__init__(**options)
        self.cmd = cmd

    def execute(self, context):
        context.started.append([text(context, part) for part in self.cmd])


class Node(Action):
    def __init__(
        self, *, package, executable, name="", namespace="", parameters=(), remappings=(),
        arguments=(), output="log", respawn=False, respawn_delay=None, **options,
    ):  # fmt: skip
        super().__init__(**options)
        self.respawn = respawn
        self.given = package, executable, name, namespace
        self.parameters, self.remappings, self.arguments = parameters, remappings, arguments

    def execute(self, context):
        package, executable, name, namespace = (text(context, each) for each in self.given)
        parts = (*context.pushed_namespace.split("/"), *namespace.split("/"))
        process = Process(
            package,
            executable,
            name,
            "/" + "/".join(filter(None, parts)),
            tuple(self._performed(context, each) for each in self.parameters),
            {text(context, old): text(context, new) for old, new in self.remappings},
            [text(context, each) for each in self.arguments],
            dict(context.environment),
            self.respawn,
        )
        context.started.append(process)

    def _performed(self, context, each):
        if not isinstance(each, dict):
            return text(context, each)
        return {name: self._value(context, value) for name, value in each.items()}

    def _value(self, context, value):
        """Values of substitutions are read as YAML, as ROS does, unless a type is given."""
        import yaml

        if isinstance(value, ParameterValue):
            return value.value_type(text(context, value.value))
        if isinstance(value, Substitution):
            return yaml.safe_load(text(context, value))
        return value


MODULES = {
    "launch": {
        "LaunchContext": Context, "LaunchDescription": LaunchDescription,
        "LaunchDescriptionEntity": Action,
    },
    "launch.actions": {
        each.__name__: each
        for each in (
            DeclareLaunchArgument, ExecuteProcess, GroupAction, IncludeLaunchDescription,
            OpaqueFunction, SetEnvironmentVariable,
        )
    },
    "launch.conditions": {"IfCondition": IfCondition},
    "launch.launch_description_sources": {
        "PythonLaunchDescriptionSource": PythonLaunchDescriptionSource
    },
    "launch.substitutions": {
        each.__name__: each
        for each in (LaunchConfiguration, PathJoinSubstitution, PythonExpression)
    },
    "launch_ros": {},
    "launch_ros.actions": {"Node": Node, "PushRosNamespace": PushRosNamespace},
    "launch_ros.parameter_descriptions": {"ParameterValue": ParameterValue},
    "launch_ros.substitutions": {"FindPackageShare": FindPackageShare},
}  # fmt: skip

recorders = []  # lists of what is started, of `recorded`
HELPER = "evf_sam_ros.launching"


def load(path):
    """Read a launch file with this stand-in in place of the packages it imports."""
    # What our helper imports must be the stand-in now, and the real thing afterwards.
    before = {name: sys.modules.pop(name, None) for name in (HELPER, *MODULES)}
    for name, members in MODULES.items():
        sys.modules[name] = types.ModuleType(name)
        vars(sys.modules[name]).update(members)
    try:
        spec = importlib.util.spec_from_file_location("launch_file", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.generate_launch_description()
    finally:
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


@contextmanager
def recorded():
    """Give the list of what is started while a launch file may raise."""
    started = []
    recorders.append(started)
    try:
        yield started
    finally:
        recorders.remove(started)


def evaluate(path, shares, **arguments):
    """Return the context that `ros2 launch FILE name:=value ...` ends with.

    Args:
        path: the launch file.
        shares: where each ROS package keeps its files, by name.
        arguments: as on the command line, texts.
    """
    FindPackageShare.shares = shares
    context = Context(dict(arguments), started=recorders[-1] if recorders else [])
    load(path).visit(context)
    return context
