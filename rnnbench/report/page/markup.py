"""HTML that is safe by construction: a text becomes markup by being escaped, here and nowhere else."""

from __future__ import annotations

import html

VOID = frozenset({"meta", "link"})


class Markup(str):
    """What a browser may take for HTML; every other str is a text."""

    __slots__ = ()


def escape(text: str) -> Markup:
    """A text as markup that shows it; markup as it is.

    >>> print(escape("<b> & 'x'"))
    &lt;b&gt; &amp; &#x27;x&#x27;
    """
    return text if isinstance(text, Markup) else Markup(html.escape(text, quote=True))


def join(*parts: str) -> Markup:
    """Texts and markup, one after another."""
    return Markup("".join(map(escape, parts)))


def tag(name: str, /, *inner: str, **attributes: str | float | bool | None) -> Markup:
    """An element around texts and markup. An attribute that is True has no value, one that is False or None is left
    out; `cls` is `class`, and `_` is `-`.

    >>> print(tag("a", "x < ", tag("b", "y"), href="'#", cls="quiet", hidden=True))
    <a href="&#x27;#" class="quiet" hidden>x &lt; <b>y</b></a>
    """
    given = []
    for key, value in attributes.items():
        key = "class" if key == "cls" else key.strip("_").replace("_", "-")
        if value is True:
            given.append(f" {key}")
        elif value is not None and value is not False:
            given.append(f' {key}="{escape(str(value))}"')
    opened = f"<{name}{''.join(given)}>"
    return Markup(opened if name in VOID else f"{opened}{join(*inner)}</{name}>")
