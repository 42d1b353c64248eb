"""The part of Go's templates that tags may use."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.registrator.services import template
from rollcall.registrator.services.template import TemplateError

DOCUMENT: dict[str, Any] = {
    "Name": "/web-1",
    "Config": {
        "Image": "registry/shop/web:1.2",
        "Env": ["A=1", "B=2"],
        "Labels": {"role": "front", "a.b": "dotted", "empty": ""},
        "Tty": False,
    },
    "State": {"Running": True, "Pid": 7},
    "HostConfig": {"Links": None},
    "Mounts": [{"Type": "bind"}, {"Type": "volume"}],
    "Nothing": {},
}


def render(text: str, document: dict[str, Any] | None = None) -> str:
    return template.render(template.parse(text), DOCUMENT if document is None else document)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain }} text", "plain }} text"),
        ("{{.Name}}", "/web-1"),
        ("a-{{ .Config.Image }}-b", "a-registry/shop/web:1.2-b"),
        ("{{$.Name}}", "/web-1"),
        ("{{.State.Pid}},{{.State.Running}},{{.Config.Tty}}", "7,true,false"),
        ('{{index .Config.Labels "a.b"}}', "dotted"),
        ('{{index .Config.Labels "none"}}', ""),
        ('{{index .HostConfig.Links "none"}}', ""),
        ("{{index .Config.Env 1}}", "B=2"),
        ('{{index .Mounts 0 "Type"}}', "bind"),
        ("{{(index .Config.Env 0) | lower}}", "a=1"),
        ("{{.Name | upper}}", "/WEB-1"),
        ("{{upper .Name | lower | toUpper | toLower}}", "/web-1"),
        ('{{replace "/" "" .Name}}', "web-1"),
        ('{{replace 1 "e" "E" "eee"}}', "Eee"),
        ('{{.Name | replace -1 "/" ""}}', "web-1"),
        ('{{split ":" .Config.Image | join "@"}}', "registry/shop/web@1.2"),
        ('{{splitIndex -1 ":" .Config.Image}}', "1.2"),
        ('{{splitIndex 9 "/" .Config.Image}}', "web:1.2"),
        ("{{sIndex -9 .Config.Env}}", "A=1"),
        ('{{mIndex "role" .Config.Labels}}', "front"),
        ("{{strSlice .Name 1}}{{strSlice .Name 1 4}}", "web-1web"),
        ("{{len .Config.Env}}", "2"),
        ('{{`raw "text"`}}{{"a\\tb\\""}}', 'raw "text"a\tb"'),
        ("{{range .Config.Env}}{{.}},{{end}}", "A=1,B=2,"),
        ("{{range .Config.Labels}}{{.}},{{end}}", "dotted,,front,"),
        ("{{range .Mounts}}{{.Type}}@{{$.Name}} {{end}}", "bind@/web-1 volume@/web-1 "),
        ("{{range .HostConfig.Links}}x{{else}}none{{end}}", "none"),
        ("{{if .State.Running}}up{{end}}", "up"),
        ("{{if .Nothing}}a{{else if .Config.Tty}}b{{else}}c{{end}}", "c"),
        ("{{if .Nothing}}a{{else if .State.Pid}}b{{else}}c{{end}}!", "b!"),
        ("{{if .Missing}}a{{else}}b{{end}}", "b"),
        ('{{if eq .Config.Labels.role "back" "front"}}yes{{end}}', "yes"),
        ('{{if and .State.Running (not .Config.Tty) (ne .Name "x")}}yes{{end}}', "yes"),
        ('{{or .Missing .Config.Labels.empty "other"}}', "other"),
        ("{{with .Config}}{{.Image}}{{end}}", "registry/shop/web:1.2"),
        ("a {{- /* nothing */ -}} b", "ab"),
        ("a\n {{- .State.Pid -}} \n b", "a7b"),
        ("{{/* a {{comment}} */}}x", "x"),
        ('{{"}}"}}', "}}"),
    ],
)
def test_what_it_can(text: str, result: str) -> None:
    assert render(text) == result


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{{.Nmae}}", ".Nmae is not in the container's inspect data"),
        ("{{.Config.Image.Tag}}", ".Tag is asked of a text"),
        ("{{.Missing.Part}}", ".Part is asked of nothing"),
        ("{{.Config.Env}}", ".Config.Env is a list: use range"),
        ("{{.Config}}", "is a map"),
        ("{{.Name", "has no }}"),
        ("{{", "has no }}"),
        ("{{}}", "a value is missing"),
        ("{{if .Name}}x", "{{if}} has no {{end}}"),
        ("{{range .Name}}x{{end}}", "range needs a list or a map, not a text"),
        ("x{{end}}", "has no if"),
        ("{{else}}", "has no if"),
        ("{{if .Name}}a{{else}}b{{else}}c{{end}}", "{{if}} has no {{end}}"),
        ("{{$x := .Name}}", "is not supported"),
        ("{{range $k, $v := .Config.Labels}}{{end}}", "is not supported"),
        ('{{template "x"}}', "{{template}} is not supported"),
        ("{{httpGet .Name}}", "there is no function httpGet: there are and, eq"),
        ("{{printf .Name}}", "there is no function printf"),
        ("{{.Name .Name}}", "only a function takes arguments"),
        ('{{.Name | "x"}}', "only a function takes arguments"),
        ("{{upper}}", "upper takes 1 arguments, not 0"),
        ("{{replace .Name}}", "replace takes 3 to 4 arguments, not 1"),
        ("{{upper .State.Pid}}", "upper needs a text, not a number"),
        ("{{join `,` .Name}}", "join needs a list, not a text"),
        ("{{index .Config.Env 2}}", "index 2 is not in a list of 2"),
        ("{{index .Config.Env `a`}}", "needs a number, not a text"),
        ("{{index .Name 0}}", "index needs a list or a map, not a text"),
        ("{{strSlice .Name true}}", "there is no function true"),
        ("{{(upper .Name}}", ") is missing before }}"),
        ("{{99999999999}}", "too large"),
        (r'{{"\q"}}', "escape that is not supported"),
        ("{{/* open", "a comment does not end"),
        ("{{/* a */ .Name}}", "a comment does not end"),
    ],
)
def test_what_it_cannot_is_said(text: str, says: str) -> None:
    with pytest.raises(TemplateError) as raised:
        render(text)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


LONG = {"Many": ["x" * 100] * 200, "Text": "a" * 5000}


@pytest.mark.parametrize(
    "text",
    [
        "x" * 9000,
        "{{(" * 2000,
        "{{" + "(" * 3000 + ".Name" + ")" * 3000 + "}}",
        "{{if .Name}}" * 600,
        "{{.Name" + "|upper" * 1300 + "}}",
        "{{/*" * 2000,
        "{{" + "/**/" * 2000,
        '{{"' * 2000,
        "{{ " + " " * 8000,
        "{{len (replace `` .Text .Text)}}",
        "{{len (join .Text .Many)}}",
        "{{range .Many}}{{range $.Many}}{{range $.Many}}{{end}}{{end}}{{end}}",
        "{{range .Many}}{{.}}{{end}}",
        "{{if .Many}}{{else if .Many}}" * 200,
    ],
)
def test_what_is_too_much_is_refused_at_once(text: str) -> None:
    began = time.process_time()
    with pytest.raises(TemplateError):
        render(text, LONG)
    assert time.process_time() - began < 1


SYNTAX = [
    "{{",
    "}}",
    "{{-",
    "-}}",
    "(",
    ")",
    "|",
    ".",
    "$",
    ".A",
    ".B.C",
    '"',
    '"x"',
    "`",
    "0",
    "-1",
    "/*",
    "*/",
    "x",
    ",",
    "\\",
    "{{.A}}",
    "{{if",
    ".A}}",
    "{{end}}",
    "{{else}}",
]
WORDS = [
    "if",
    "range",
    "with",
    "else",
    "end",
    "upper",
    "join",
    "split",
    "index",
    "replace",
    "eq",
    "or",
    "len",
    "sIndex",
    "splitIndex",
    "strSlice",
    "mIndex",
]
PIECES = st.sampled_from([*SYNTAX, " ", "\n", *(f"{word} " for word in WORDS)])
KEYS = st.sampled_from("ABCx")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(st.text(max_size=60) | st.lists(PIECES, max_size=25).map("".join), st.dictionaries(st.sampled_from("AB"), JSON))
def test_nothing_makes_it_raise_anything_else(text: str, document: dict[str, Any]) -> None:
    try:
        made = render(text, document)
    except TemplateError as error:
        assert str(error)
    else:
        assert made.encode().decode() == made


@given(st.lists(st.tuples(st.text("ab.:/", max_size=8), st.sampled_from(["upper", "lower", ""])), max_size=5))
def test_text_and_literals_come_out_as_they_went_in(parts: list[tuple[str, str]]) -> None:
    text = "".join(f"<{{{{{function} `{part}`}}}}>" for part, function in parts)
    wanted = "".join(f"<{getattr(part, function)() if function else part}>" for part, function in parts)
    assert render(text) == wanted
