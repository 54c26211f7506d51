"""What is wrong with a file's values, in plain sentences for people who write such files."""

from collections.abc import Iterable, Mapping
from typing import Any

from bot.core.errors import Misread

_KINDS: Mapping[str, tuple[str, str]] = {
    "missing": ("缺少这个键", "is missing"),
    "string": ("应是文字，写在引号里", "should be a text, in quotes"),
    "bool": ("应是 true 或 false", "should be true or false"),
    "int": ("应是整数", "should be a whole number"),
    "float": ("应是数字", "should be a number"),
    "decimal": ("应是数字", "should be a number"),
    "finite": ("应是数字", "should be a number"),
    "date": ("应是日期，例如 2026-03-31", "should be a day such as 2026-03-31"),
    "datetime": ("应是日期，例如 2026-03-31", "should be a day such as 2026-03-31"),
    "greater_than_equal": ("不能小于 {ge}", "should be {ge} or more"),
    "greater_than": ("应大于 {gt}", "should be more than {gt}"),
    "less_than_equal": ("不能大于 {le}", "should be {le} or less"),
}
"""Sentences by what pydantic calls the problem, or by how that begins."""
_NO_KEYS = ("[key]", "date", "datetime")
"""What pydantic adds to the path of a problem."""
_LISTS, _TABLES = ("tuple_type", "list_type"), ("dict_type", "model_type", "model_attributes_type")


def path_of(problem: Mapping[str, Any]) -> str:
    """Where it is, as people write it: `texts.zh.warm`."""
    return ".".join(str(part) for part in problem["loc"] if part not in _NO_KEYS)


def sentence(problem: Mapping[str, Any], known: Iterable[str] = ()) -> Misread:
    """One of pydantic's problems; `known` are the keys that there are in its place."""
    kind, given = problem["type"], problem.get("input")
    context: Mapping[str, Any] = problem.get("ctx", {})
    if isinstance(cause := context.get("error"), Misread):
        return cause
    if kind == "extra_forbidden":
        names = list(known)
        return Misread(
            f"未知的键；可用的有：{'、'.join(names)}", f"unknown key; there are {', '.join(names)}"
        )
    if kind in _LISTS:
        shown = f'["{given}"]' if isinstance(given, str) else f"[{given}]"
        return Misread(f"应写成列表：{shown}", f"should be a list: {shown}")
    if kind in _TABLES:
        where = path_of(problem)
        return Misread(f"应是一张表：[{where}]", f"should be a table: [{where}]")
    if kind == "literal_error":
        return _choice(context["expected"], is_key="[key]" in problem["loc"])
    found = _KINDS.get(kind) or _KINDS.get(kind.partition("_")[0])
    if found is None:
        return Misread(f"值不对：{given!r}", f"{given!r} cannot stand here")
    return Misread(*(text.format(**context) for text in found))


def _choice(expected: str, *, is_key: bool) -> Misread:
    """Pydantic says `'a', 'b' or 'c'`."""
    names = expected.replace(" or ", ", ").replace("'", "").split(", ")
    zh, en = "、".join(names), ", ".join(names)
    if is_key:
        return Misread(f"未知的键；可用的有：{zh}", f"unknown key; there are {en}")
    return Misread(f"可用的有：{zh}", f"should be one of {en}")
