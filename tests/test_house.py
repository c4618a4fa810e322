"""Rules of the house that no linter knows: who touches files, how long a file may be."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "wsigraph").rglob("*.py"))
LONGEST = 300
WRITES = {"write_text", "write_bytes", "touch", "unlink", "rename", "replace_file", "mkdir", "rmdir", "open"}


def name(path):
    return path.relative_to(ROOT).as_posix()


def file_calls(tree):
    """Line and name of each call that opens or changes a file by itself."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "open":
            yield node.lineno, "open"
        if isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
            yield node.lineno, node.func.attr
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "os.replace":
            yield node.lineno, "os.replace"


COMPILED = ("numba_", "triton_")
"""Files of loops for a compiler, which takes arrays and pointers one by one and no objects."""


@pytest.mark.parametrize("path", [p for p in SOURCES if "wsigraph/io/" not in name(p)], ids=name)
def test_only_io_touches_files(path):
    found = list(file_calls(ast.parse(path.read_text(encoding="utf-8"))))
    assert not found, f"{name(path)}: only wsigraph/io may touch files, found {found}"


def test_the_rule_sees_what_it_forbids():
    tree = ast.parse("open('a')\nPath('a').write_text('b')\nos.replace('a', 'b')\ntext.replace('a', 'b')")
    assert [what for _, what in file_calls(tree)] == ["open", "write_text", "os.replace"]


@pytest.mark.parametrize("path", [*SOURCES, *sorted((ROOT / "tests").rglob("*.py"))], ids=name)
def test_files_are_short(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST, f"{name(path)} has {lines} lines: one idea per file, at most {LONGEST}"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_functions_are_short_and_take_few_arguments(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and "cli" not in path.parts:
            taken = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            code = [part for part in node.body if not _is_docstring(part)]
            length = code[-1].end_lineno - code[0].lineno + 1 if code else 0
            assert length <= 45, f"{name(path)}:{node.lineno} {node.name} has {length} lines of body"
            most = 30 if path.name.startswith(COMPILED) else 12
            assert len([a for a in taken if a not in ("self", "cls")]) <= most, f"{name(path)}: {node.name}"


def _is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{name(path)} has no docstring"
