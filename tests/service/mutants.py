"""The product without one statement that counts for a ledger: a function's own code, compiled without it.

The statements are found in the source, so that one which is added later is left out in its turn, too.
"""

import ast
import importlib
import inspect
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MESSAGES = (
    "service/channels/ledger.py",
    "service/channels/channel.py",
    "service/channels/hearing.py",
    "service/channels/hub.py",
    "service/channels/repair.py",
    "service/channels/joining.py",
    "service/channels/fanout.py",
    "service/connections/outgoing.py",
)
CLOSES = ("service/connections/close_ledger.py", "service/connections/reception.py", "service/connections/ending.py")
COUNTED = {"aside", "postponed", "expected", "owed", "waiting", "written", "opened"}  # what is added to
TALLIES = {"ends", "closed"}  # by cause
COUNTS = {
    "expect", "hand", "settle", "write", "keep", "free", "lose", "miss", "recover", "heard", "dismiss", "begin", "end", "leave",
}  # fmt: skip
OF = {
    "book",
    "closes",
    "channel",
    "found",
    "sockets",
    "self",
}  # whose methods these are; "self" in the ledgers' own files only


def counts(statement, place):
    """Whether this statement is there to count."""
    if isinstance(statement, ast.AugAssign):
        target = statement.target
        if isinstance(target, ast.Subscript):
            return isinstance(target.value, ast.Attribute) and target.value.attr in TALLIES
        return isinstance(target, ast.Attribute) and target.attr in COUNTED
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
        return False
    called = statement.value.func
    if not (isinstance(called, ast.Attribute) and called.attr in COUNTS):
        return False
    owner = called.value
    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    return name in OF and (name != "self" or place.endswith("ledger.py"))


def functions(tree, prefix=""):
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{prefix}{node.name}", node


def mutants(places):
    """(file, function, number of the statement in it, the statement in words)."""
    for place in places:
        for name, function in functions(ast.parse((ROOT / place).read_text())):
            found = [node for node in ast.walk(function) if isinstance(node, ast.stmt) and counts(node, place)]
            for number, statement in enumerate(found):
                yield pytest.param(place, name, number, id=f"{name}: {ast.unparse(statement)}")


class LeftOut(ast.NodeTransformer):
    def __init__(self, statement):
        self.statement = statement

    def visit(self, node):
        return ast.copy_location(ast.Pass(), node) if node is self.statement else self.generic_visit(node)


def code_of(code, name):
    """The code object of a function, by its qualified name."""
    if code.co_qualname == name:
        return code
    return next((found for each in code.co_consts if inspect.iscode(each) and (found := code_of(each, name))), None)


@contextmanager
def without(place, name, number):
    """The product without this one statement."""
    tree = ast.parse((ROOT / place).read_text())
    function = dict(functions(tree))[name]
    statements = [node for node in ast.walk(function) if isinstance(node, ast.stmt) and counts(node, place)]
    mutated = compile(LeftOut(statements[number]).visit(tree), place, "exec", dont_inherit=True)
    found = importlib.import_module(place.removesuffix(".py").replace("/", "."))
    for part in name.split("."):
        found = inspect.getattr_static(found, part)
    found = getattr(found, "__func__", found)
    before = found.__code__
    found.__code__ = code_of(mutated, name)
    try:
        yield
    finally:
        found.__code__ = before
