"""A Jinja2 sandbox whose templates may show values and branch, and nothing else."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

from babel.numbers import format_currency
from jinja2 import StrictUndefined, Template, TemplateError, Undefined, nodes, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.config import Shop
from bot.core.errors import Misread

MAX_SOURCE = 8000
"""Longest template, in characters."""

Facts = Mapping[str, Mapping[str, str]]
ANSWER: Facts = {
    "order": {
        "number": "XE10001",
        "status_text": "已发货",
        "items_text": "羊毛围巾",
        "amount": "¥159",
        "placed_on": "2026年3月5日",
    },
    "parcel": {
        "carrier": "顺丰速运",
        "tracking_number": "SF8800010001",
        "status_text": "运输途中",
        "latest": "快件离开武汉转运中心",
        "latest_place": "武汉",
        "latest_at": "3月5日 14:30",
    },
}
"""What FAQ answers may show besides `shop` and `language`, with an example of each text."""

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Const,
    nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not,
    nodes.Filter, nodes.Test,
)  # fmt: skip
_FILTERS = {"money", "default"}
_TESTS = {"defined", "none"}
_TAG_ALONE = re.compile(r"^[ \t]*(\{%[^%]*%\})[ \t]*\n", re.M)
_PAIRS = "{{ }} 和 {% %}"
_BRACE = "{"
"""A text without it shows no values and is not compiled, which is most of them."""
_LOCALES = {"zh": "zh_Hans_CN", "en": "en_US"}


class _Example(Undefined):
    """Stands in a preview for a value that only a conversation has, by its name: ‹order.number›."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"‹{self._undefined_name}›"

    def __bool__(self) -> bool:
        return True

    def __getattr__(self, name: str) -> "_Example":
        if name.startswith("__"):
            raise AttributeError(name)
        return _Example(name=f"{self._undefined_name}.{name}")

    def __eq__(self, other: object) -> bool:
        return False

    def _is_more(self, *_other: Any) -> Any:
        return True

    def _is_less(self, *_other: Any) -> Any:
        return False

    __hash__ = Undefined.__hash__
    __gt__ = __ge__ = _is_more
    __lt__ = __le__ = _is_less


class Words:
    """Checks and renders templates over one shop's settings."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._environment = self._environment_with(StrictUndefined)
        self._previews = self._environment_with(_Example)
        self._compile = lru_cache(maxsize=4096)(partial(self._compiled, self._environment))
        self._compile_preview = lru_cache(maxsize=1024)(partial(self._compiled, self._previews))
        self._values = lru_cache(maxsize=8)(shop.values)

    def _environment_with(self, undefined: type[Undefined]) -> ImmutableSandboxedEnvironment:
        made = ImmutableSandboxedEnvironment(
            undefined=undefined, lstrip_blocks=True, autoescape=False
        )
        made.filters["money"] = self._money_filter
        return made

    @staticmethod
    def _compiled(environment: ImmutableSandboxedEnvironment, source: str) -> Template:
        """A line with nothing but a tag leaves no empty line; other lines keep their ends."""
        return environment.from_string(_TAG_ALONE.sub(r"\1", source))

    @property
    def shop(self) -> Shop:
        """The shop whose settings templates see."""
        return self._shop

    def tell(self, shop: Shop) -> None:
        """From now on templates see this shop; callable from any thread."""
        self._shop, self._values = shop, lru_cache(maxsize=8)(shop.values)

    def check(self, source: str, facts: Facts | None = ANSWER) -> str | None:
        """Why `source` may not be used as a template, or None when it may: `fault` in English."""
        found = self.fault(source, facts)
        return found.en if found else None

    def fault(self, source: str, facts: Facts | None = ANSWER) -> Misread | None:
        """Why `source` may not be used as a template, or None when it may.

        Allowed are values, attributes, if/elif/else, comparisons, and the filters `money`
        and `default`: no loops, calls or assignments. `facts` are the variables that there are
        besides `shop` and `language`; then others are refused, and the template is tried out.
        None stands for a text whose variables its speaker passes: those cannot be known here.
        """
        if len(source) > MAX_SOURCE:
            return Misread(f"超过 {MAX_SOURCE} 个字符", f"longer than {MAX_SOURCE} characters")
        if _BRACE not in source:
            return None
        try:
            tree = self._environment.parse(source)
            wrong = next(self._faults(tree, facts), None)
            return wrong or self._try_out(self._compile(source), facts)
        except TemplateError as error:
            return Misread(f"语法有误，请看 {_PAIRS} 是否成对：{error}", str(error))
        except (RecursionError, SyntaxError, MemoryError):  # Python's own limits on nesting
            return Misread("嵌套太深", "nested too deeply")

    def render(self, source: str, language: str, **values: Any) -> str:
        """The text of a checked template for a reader of `language`."""
        if _BRACE in source:
            template = self._compile(source)
            source = template.render(shop=self._values(language), language=language, **values)
        return _trimmed(source)

    def preview(self, source: str, language: str) -> str:
        """How a checked template reads with this shop's settings; what only a conversation knows
        is shown by its name, and taken as given where the text depends on it."""
        if _BRACE in source:
            template = self._compile_preview(source)
            source = template.render(shop=self._values(language), language=language)
        return _trimmed(source)

    def money(self, amount: Any, language: str) -> str:
        """An amount in the shop's currency, without needless decimals: ¥10, ¥9.90."""
        return money(amount, self._shop.currency, language)

    @pass_context
    def _money_filter(self, context: Context, amount: Any) -> str:
        if isinstance(amount, Undefined):  # in a preview its name; else it raises
            return str(amount)
        return self.money(amount, context["language"])

    def _try_out(self, template: Template, facts: Facts | None) -> Misread | None:
        """Render with example values, so that what only fails then fails here."""
        if facts is None:
            return None
        try:
            for language in self._shop.languages:
                template.render(shop=self._values(language), language=language, **facts)
        except (TypeError, ValueError) as error:  # a number compared with a text, money of a text
            return Misread(f"代入数据时出错：{error}", f"cannot be filled in: {error}")
        return None

    def _faults(self, tree: nodes.Template, facts: Facts | None) -> Iterator[Misread]:
        for node in tree.find_all(nodes.Node):
            if not isinstance(node, _ALLOWED):
                name = type(node).__name__
                yield Misread(f"模板里不能用 {name}", f"{name} is not allowed in a template")
            elif isinstance(node, nodes.Filter):
                yield from _filter_faults(node)
            elif isinstance(node, nodes.Test) and node.name not in _TESTS:
                yield Misread(f"不能用 is {node.name}", f"the test {node.name!r} is not allowed")
            elif isinstance(node, nodes.Getattr):
                yield from self._attribute_faults(node, facts or {})
            elif isinstance(node, nodes.Name) and facts is not None:
                known = ("shop", "language", *facts)
                if node.name not in known:
                    yield Misread(
                        f"这里没有 {node.name}；可用的有：{'、'.join(known)}",
                        f"there is no {node.name!r} here, only {', '.join(known)}",
                    )

    def _attribute_faults(self, node: nodes.Getattr, facts: Facts) -> Iterator[Misread]:
        owner = _path(node.node)
        parts: dict[str, Any] = {
            "shop": type(self._shop).model_fields, "shop.extra": self._shop.extra,
            **ANSWER, **facts,
        }  # fmt: skip
        if node.attr.startswith("_"):
            yield Misread(f"不能用属性 {node.attr}", f"the attribute {node.attr!r} is not allowed")
        elif owner.partition(".")[0] in parts and node.attr not in parts.get(owner, ()):
            zh, en = f"没有 {owner}.{node.attr}", f"there is no {owner}.{node.attr}"
            known = list(parts.get(owner, ()))
            yield Misread(
                f"{zh}；可用的有：{'、'.join(known)}" if known else zh,
                f"{en}, only {', '.join(known)}" if known else en,
            )


def money(amount: Any, currency: str, language: str) -> str:
    """`amount` of `currency` for a reader of `language`; whole amounts have no decimals."""
    digits = 0 if float(amount).is_integer() else 2
    pattern = "¤#,##0" if digits == 0 else "¤#,##0.00"
    return str(
        format_currency(
            amount, currency, pattern, locale=_LOCALES.get(language, "en_US"), currency_digits=False
        )
    )


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _filter_faults(node: nodes.Filter) -> Iterator[Misread]:
    if node.name not in _FILTERS:
        yield Misread(f"不能用过滤器 {node.name}", f"the filter {node.name!r} is not allowed")
    elif node.name == "money" and (node.args or node.kwargs or node.dyn_args or node.dyn_kwargs):
        yield Misread("过滤器 money 不带参数", "the filter 'money' takes no arguments")


def _path(node: nodes.Node) -> str:
    """`shop.extra` of the node that reads shop.extra; empty for what is no plain path."""
    if isinstance(node, nodes.Name):
        return str(node.name)
    if isinstance(node, nodes.Getattr) and (owner := _path(node.node)):
        return f"{owner}.{node.attr}"
    return ""
