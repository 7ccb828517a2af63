"""Renders the templates of these tests with jinja2, set up as transformers' apply_chat_template.

    pip install jinja2==3.1.6
    python make_templates.py

Writes `templates.jsonl`: for each case the template, what it is given, and `rendered`, or
`raised` (the template's own words), or `"fails": true`.
"""

import json
from datetime import datetime, timezone
from pathlib import Path

from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = Path(__file__).parent
NOW = 1735603199  # 2024-12-30 23:59:59 UTC, a Monday


class Raised(TemplateError):
    pass


class Generation(Extension):
    """transformers' tag around what the assistant says; its content is all that counts here."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_content"), [], [], body).set_lineno(line)

    def _content(self, caller):
        return caller()


def environment():
    def raise_exception(message):
        raise Raised(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(
            x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
        )

    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda f: datetime.fromtimestamp(NOW, timezone.utc).strftime(f)
    return env


CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": " What is 1 < 2 & 'so'? é 🦙 \n"},
    {"role": "assistant", "content": "<think>\nEasy.\n</think>\n\nTrue.", "name": "A"},
    {"role": "user", "content": "And \"2 > 1\"?\\"},
]

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather <now> & \"here\" für 東京\n\ttab \u0001\u007f",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string"},
                    "days": {"type": ["integer", "null"], "default": 3},
                    "scale": {"enum": ["C", "F"], "default": 1.0},
                },
                "required": ["city"],
            },
        },
    }
]

CALLS = [
    {"role": "user", "content": "Weather?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"type": "function", "function": {"name": "f", "arguments": {"b": [1, 2.5], "a": None}}},
            {"type": "function", "function": {"name": "g", "arguments": {}}},
        ],
    },
    {"role": "tool", "content": {"t": 21.5, "ok": True}},
    {"role": "user", "content": [{"type": "text", "text": "So?"}, {"type": "image"}]},
]

LOOP = "{% for message in messages %}"
END = "{% endfor %}"

# name, template, and what else it is given.
CASES = [
    ("plain", "{{ bos_token }}" + LOOP + "<{{ message.role }}>{{ message['content'] }}" + eos
     + END + "{% if add_generation_prompt %}<assistant>\n{% endif %}", {})
    for eos in ["", "{{ eos_token }}\n"]
] + [
    ("generation prompt", LOOP + "{{ message.content | trim }}\n" + END
     + "{%- if add_generation_prompt %}{{ '<a>\\n' }}{% endif %}\n", {"add_generation_prompt": True}),
    ("trim and lstrip blocks", "a\n  {% if true %}\n    b\n  {% endif %}  \n  {{ 'c' }}\n  {# d #}\n e\n", {}),
    ("explicit whitespace", "a  {%- if true -%}  b  {%- endif -%}  c {{- ' d ' -}} e {#- f -#} g", {}),
    ("plus keeps", "a\n  {%+ if true +%}\n b\n  {%+ endif %}\n c", {}),
    ("trailing newlines", "a\n\n", {}),
    ("generation blocks", LOOP + "{%- if message.role == 'assistant' %}\n  {% generation %}\n"
     "{% set x = 1 %}{{ message.content }}{% endgeneration %}\n{% else %}{{ message.content }}"
     "{%- endif %}{{ x is defined }}" + END, {}),
    ("namespace", "{% set ns = namespace(system='', n=0) %}" + LOOP + "{% if message.role == 'system' %}"
     "{% set ns.system = message.content %}{% endif %}{% set ns.n = ns.n + 1 %}{% set lost = 1 %}"
     + END + "{{ ns.system }}|{{ ns.n }}|{{ lost is defined }}", {}),
    ("split thought", LOOP + "{% if '</think>' in message.content %}"
     "[{{ message.content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') }}]"
     "[{{ message.content.split('</think>')[-1].lstrip('\\n') }}]"
     "[{{ message.content.split('</think>', 1) | length }}]{% endif %}" + END, {}),
    ("slices", "{{ messages[::-1] | map(attribute='role') | join(',') }}|{{ messages[1:] | length }}|"
     "{{ messages[:-1] | length }}|{{ messages[-1].role }}|{{ 'abcdef'[1:4] }}|{{ 'abcdef'[::-1] }}|"
     "{{ 'abcdef'[-2:] }}|{{ 'abcdef'[::2] }}|{{ messages[1:3][0].role }}", {}),
    ("loop variables", LOOP + "{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}"
     "{{ loop.length }}{{ loop.revindex }}{{ (loop.previtem or {}).role }}{{ (loop.nextitem or {}).role }}"
     "{{ loop.cycle('x', 'y') }};" + END, {}),
    ("loop controls", LOOP + "{% if loop.index == 2 %}{% continue %}{% endif %}"
     "{% if loop.index == 4 %}{% break %}{% endif %}{{ message.role }} " + END, {}),
    ("loop filter and else", "{% for m in messages if m.role == 'user' %}{{ loop.index }}{{ loop.last }}"
     "{% endfor %}{% for m in [] %}x{% else %}none{% endfor %}", {}),
    ("recursive loop", "{% for item in tree recursive %}({{ item.n }}{% if item.c %}"
     "{{ loop(item.c) }}{% endif %}){% endfor %}",
     {"tree": [{"n": 1, "c": [{"n": 2}, {"n": 3, "c": [{"n": 4}]}]}]}),
    ("tojson", "{{ tools | tojson }}\n{{ tools | tojson(indent=4) }}\n{{ tools[0] | tojson(sort_keys=true) }}\n"
     "{{ tools | tojson(ensure_ascii=true) }}\n{{ {'a': [], 'b': {}} | tojson(indent=2) }}\n"
     "{{ tools[0] | tojson(separators=(',', ':')) }}", {"tools": TOOLS}),
    ("tojson of values", "{{ [1, 1.0, -0.5, 1e20, 1e-7, 12345678901234567890, true, none, 'a/b\\'\"<>&', (1, 2)]"
     " | tojson }}{{ {'k': {1: 2, true: 3, none: 4}} | tojson }}", {}),
    ("python values", "{{ true }} {{ false }} {{ none }} {{ 1.0 }} {{ 0.1 }} {{ 3 / 2 }} {{ 4 / 2 }} {{ 7 // 2 }} "
     "{{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 2 ** 10 }} {{ [1, 'a', none, true] }} {{ {'a': 'b', 'c': 1.5} }} "
     "{{ ('x', 1) }} {{ 'a' ~ 1 ~ true ~ none ~ 1.5 }} {{ \"it's\" }} {{ [\"it's\", 'say \"x\"'] }}", {}),
    ("tools or none", "{{ tools is defined }}{{ tools is none }}{{ documents is none }}{% if tools %}x{% endif %}", {}),
    ("undefined", "[{{ nope }}][{{ messages[0].nope }}][{{ nope is defined }}][{{ nope | default('d') }}]"
     "[{{ '' | default('e', true) }}][{% if nope %}x{% else %}y{% endif %}][{% for x in nope %}z{% endfor %}]"
     "[{{ messages[9] is defined }}][{{ nope is none }}][{{ nope or 'f' }}]", {}),
    ("undefined has no fields", "{{ nope.field }}", {}),
    ("undefined has no sum", "{{ nope + 'a' }}", {}),
    ("text and number do not add", "{{ 'a' + 1 }}", {}),
    ("none has no fields", "{{ messages[1].content.split('x') }}", {"messages": CALLS}),
    ("unknown filter", "{{ 'a' | nope }}", {}),
    ("unknown tag", "{% nope %}", {}),
    ("unclosed", "{% if true %}", {}),
    ("lists do not change", "{% set x = [] %}{{ x.append(1) }}", {}),
    ("tests", "{% for x in [1, 1.5, 'a', true, none, [], {}, nope] %}{{ x is string }}{{ x is number }}"
     "{{ x is integer }}{{ x is float }}{{ x is boolean }}{{ x is none }}{{ x is mapping }}{{ x is iterable }}"
     "{{ x is sequence }}{{ x is defined }}{{ x is true }}{{ x is false }}\n{% endfor %}", {}),
    ("more tests", "{{ 3 is odd }}{{ 4 is even }}{{ 9 is divisibleby(3) }}{{ 'a' is in 'abc' }}{{ 1 is eq(1) }}"
     "{{ 2 is ge 1 }}{{ 'a' is lower }}{{ 'A' is upper }}{{ none is sameas none }}{{ 'x' not in ['x'] }}"
     "{{ 'k' in {'k': 1} }}{{ not nope is defined }}", {}),
    ("str methods", "{{ ' a '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ ' a '.lstrip() }}|{{ ' a '.rstrip() }}|"
     "{{ 'Ab'.upper() }}|{{ 'Ab'.lower() }}|{{ 'ab cd'.title() }}|{{ 'ab cd'.capitalize() }}|"
     "{{ 'a-b-c'.split('-') }}|{{ ' a  b '.split() }}|{{ 'a-b-c'.split('-', 1) }}|{{ 'a,b'.replace(',', ';') }}|"
     "{{ 'abc'.startswith('ab') }}|{{ 'abc'.endswith(('x', 'bc')) }}|{{ 'abcb'.find('b') }}|{{ 'abcb'.rfind('b') }}|"
     "{{ 'abcb'.count('b') }}|{{ '-'.join(['a', 'b']) }}|{{ 'a\\nb\\n'.splitlines() }}|{{ '12'.isdigit() }}|"
     "{{ 'a{}b{}'.format(1, 'x') }}|{{ 'prefix-a'.removeprefix('prefix-') }}|{{ 'a.txt'.removesuffix('.txt') }}|"
     "{{ 'a=b=c'.partition('=') | list }}|{{ 'a=b=c'.rpartition('=') | list }}|{{ 'abc'.partition('=') | list }}", {}),
    ("dict methods", "{% for k, v in tools[0].function.items() %}{{ k }};{% endfor %}{{ tools[0].keys() | list }}"
     "{{ tools[0].get('type') }}{{ tools[0].get('x') }}{{ tools[0].get('x', 'd') }}{% for v in {'a': 1}.values() %}{{ v }}"
     "{% endfor %}{% for k in {'b': 1, 'a': 2} %}{{ k }}{% endfor %}{{ {'b': 1, 'a': 2} | dictsort }}"
     "{% for k, v in {'z': 1} | items %}{{ k }}{{ v }}{% endfor %}", {"tools": TOOLS}),
    ("filters", "{{ [3, 1, 2] | sort | join(' ') }}|{{ ['a', 'b'] | first }}|{{ ['a', 'b'] | last }}|{{ 'a b' | upper }}|"
     "{{ messages | selectattr('role', 'equalto', 'user') | list | length }}|{{ messages | rejectattr('role', 'in', "
     "['user', 'system']) | map(attribute='role') | list }}|{{ ['a', 'b'] | reject('equalto', 'a') | join }}|"
     "{{ 'abc' | replace('b', 'x') }}|{{ 'a\\nb' | indent(2) }}|{{ 'a\\nb' | indent(2, true) }}|{{ [1, [2]] | string }}|"
     "{{ 3.7 | int }}|{{ '5' | int + 1 }}|{{ 'x' | length }}|{{ 2.567 | round(1) }}|{{ [1, 2] | sum }}|"
     "{{ 'hello' | capitalize }}|{{ [1, 1, 2] | unique | list }}|{{ range(3) | list }}|{{ 'ab' | list }}|"
     "{{ [1, 2, 3] | reverse | list }}|{{ 'a' | e }}|{{ '<' | safe }}|{{ '%s-%d' | format('a', 3) }}|"
     "{{ [1, 2, 3, 4] | batch(2) | list }}|{{ [[1, 'x'], [2, 'y']] | map('last') | list }}", {}),
    ("macros", "{% macro turn(m, mark='-', end=none) -%}{{ mark }}{{ m.role }}{% if end is not none %}{{ end }}{% endif %}"
     "{{ bos_token }}{%- endmacro %}{{ turn(messages[0]) }}{{ turn(messages[1], mark='+', end='!') }}"
     "{% macro wrap() %}[{{ caller() }}]{% endmacro %}{% call wrap() %}in{% endcall %}", {}),
    ("recursive macro", "{% macro kind(s) %}{% if s.items is mapping %}{{ kind(s['items']) }}[]{% elif s.type is string %}"
     "{{ s.type }}{% else %}{{ s.type | join('|') }}{% endif %}{% endmacro %}"
     "{% for k, v in tools[0].function.parameters.properties.items() %}{{ k }}:{{ kind(v) }} {% endfor %}", {"tools": TOOLS}),
    ("set blocks and conditions", "{% set x %}a{{ 1 }}b{% endset %}{{ x }}{{ 'y' if x == 'a1b' else 'n' }}{{ 'z' if false }}"
     "{% set a, b = 1, 2 %}{{ a }}{{ b }}{{ 1 < 2 < 3 }}{{ 1 if not (true and false) or nope }}", {}),
    ("filter blocks, with and raw", "{% filter upper %}ab{% endfilter %}{% with y = 2 %}{{ y }}{% endwith %}{{ y is defined }}"
     "{% raw %}{{ x }}{% generation %}{% endraw %}", {}),
    ("comments", "a{# {% generation %} {{ x }} #}b\n{#- c -#}\nd", {}),
    ("escapes", "{{ 'a\\n\\t\\\\\\'\\u00e9\\x41' }}{{ \"\\\"\" }}", {}),
    ("no html escapes", "{{ '<a href=\"x\">&</a>' }}{{ messages[1].content }}", {}),
    ("dates", "{{ strftime_now('%Y-%m-%d %d %b %Y %H:%M:%S %A %B %j %p %I') }}", {}),
    ("dates in macros", "{% macro day() %}{{ strftime_now('%d %B') }}{% endmacro %}{{ day() }}"
     "{% if strftime_now is defined %}!{% endif %}", {}),
    ("own kwargs", "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>{% endif %}"
     "{{ effort | default('low') }}", {"enable_thinking": False, "effort": "high"}),
    ("kwargs win over tokens", "{{ bos_token }}", {"bos_token": "<x>"}),
    ("raised", LOOP + "{% if (message.role == 'user') != (loop.index0 % 2 == 0) %}"
     "{{ raise_exception('Roles must alternate: ' + message.role) }}{% endif %}" + END, {}),
    ("raised in a macro", "{% macro no() %}{{ raise_exception('no') }}{% endmacro %}{{ no() }}", {}),
    ("tool calls", LOOP + "{% if message.content is none %}{% for call in message.tool_calls %}{{ call.function.name }}("
     "{{ call.function.arguments | tojson }}){% if not loop.last %},{% endif %}{% endfor %}{% elif message.content is string %}"
     "{{ message.content }}{% elif message.content is mapping %}{{ message.content | tojson }}{% else %}"
     "{% for part in message.content %}{{ part.text if part.type == 'text' else '<' + part.type + '>' }}{% endfor %}"
     "{% endif %}\n" + END, {"messages": CALLS}),
    ("absent content is not null", LOOP + "{{ message.content is none }}{{ message.content is defined }}{{ 'content' in message }}"
     "{{ message.reasoning_content is defined }}" + END,
     {"messages": [{"role": "a"}, {"role": "b", "content": None}, {"role": "c", "content": "", "reasoning_content": "r"}]}),
]


def main():
    env = environment()
    with open(HERE / "templates.jsonl", "w", encoding="utf-8") as out:
        for name, template, kwargs in CASES:
            given = {"messages": CHAT, "add_generation_prompt": False, **kwargs}
            row = {"name": name, "template": template, **given}
            base = {"tools": None, "documents": None, "bos_token": "<s>", "eos_token": "</s>"}
            try:
                row["rendered"] = env.from_string(template).render(**{**base, **given})
            except Raised as error:
                row["raised"] = str(error)
            except Exception:
                row["fails"] = True
            out.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


main()
