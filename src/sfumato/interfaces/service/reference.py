"""The service's description as a page to read: plain HTML of the OpenAPI document, without a script."""

from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h2 { border-top: 1px solid #8886; padding-top: 1.2rem; margin-top: 2rem }
h3 { font: 600 1rem/1.5 ui-monospace, monospace; margin: 1.6rem 0 .2rem }
code, pre { font-family: ui-monospace, monospace; font-size: .88em }
pre { background: #8881; padding: .7rem; overflow: auto }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .15rem .8rem .15rem 0; border-bottom: 1px solid #8883 }
"""


def page_of(document: dict[str, Any]) -> str:
    """A section for each tag, an entry for each operation: what it does, its parameters, its answers."""
    by_tag: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = (operation.get("tags") or ["other"])[0]
            by_tag.setdefault(tag, []).append(_entry(document, method.upper(), path, operation))
    sections = "".join(f"<h2>{escape(tag)}</h2>{''.join(entries)}" for tag, entries in by_tag.items())
    info = document["info"]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/reference.css">'
        f"<title>{escape(info['title'])}</title></head><body><h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f"<p>{escape(info['description'])}</p>"
        '<p>The same as a document for programs: <a href="/openapi.json">openapi.json</a> (OpenAPI).</p>'
        f"{sections}</body></html>"
    )


def _entry(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    rows = [
        _row(parameter["name"], parameter["in"], parameter.get("description", ""), parameter.get("schema", {}))
        for parameter in operation.get("parameters", ())
    ]
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = _resolved(document, content["schema"])
        needed = schema.get("required", ())
        for name, field in schema.get("properties", {}).items():
            where = "form" if "form" in media_type else "body"
            rows.append(
                _row(name, f"{where}, needed" if name in needed else where, field.get("description", ""), field)
            )
    table = f"<table><tr><th>name<th>in<th>meaning<th>unless given</tr>{''.join(rows)}</table>" if rows else ""
    answers = "".join(_answer(status, answer) for status, answer in operation.get("responses", {}).items())
    text = escape(" ".join(operation.get("description", "").split()))
    return f"<h3>{method} {escape(path)}</h3><p>{text}</p>{table}{answers}"


def _row(name: str, where: str, meaning: str, schema: dict[str, Any]) -> str:
    default = schema.get("default")
    shown = "" if default is None else f"<code>{escape(str(default))}</code>"
    return f"<tr><td><code>{escape(name)}</code><td>{escape(where)}<td>{escape(meaning)}<td>{shown}</tr>"


def _answer(status: str, answer: dict[str, Any]) -> str:
    if status in ("default", "422"):
        return ""
    kinds = ", ".join(answer.get("content", {}))
    return (
        f"<p><code>{escape(status)}</code> {escape(answer.get('description', ''))} <small>{escape(kinds)}</small></p>"
    )


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return schema if reference is None else document["components"]["schemas"][reference.rpartition("/")[2]]
