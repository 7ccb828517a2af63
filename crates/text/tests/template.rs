//! Chat templates against jinja2 as transformers sets it up, and the limits on hostile ones.

mod common;

use std::time::Instant;

use common::rows;
use retort_text::{ChatTemplate, LocalTime, Message, RenderOptions, SpecialNames, TextError};
use serde_json::{Map, Value};

fn special() -> SpecialNames {
    SpecialNames {
        bos_token: "<s>".into(),
        eos_token: "</s>".into(),
    }
}

fn render(
    template: &str,
    messages: &[Message],
    options: &RenderOptions,
) -> Result<String, TextError> {
    ChatTemplate::new(template, special())?.render(messages, options)
}

/// Takes a row's own fields out; the rest is what the template is given besides.
fn options(row: &mut Map<String, Value>) -> RenderOptions {
    for key in ["name", "template", "rendered", "raised", "fails"] {
        row.remove(key);
    }
    RenderOptions {
        add_generation_prompt: row.remove("add_generation_prompt") == Some(true.into()),
        now: LocalTime::from_unix(1_735_603_199, 0),
        kwargs: std::mem::take(row),
    }
}

#[test]
fn templates_render_as_in_transformers() {
    let mut wrong = Vec::new();
    let rows = rows("templates.jsonl");
    assert_eq!(rows.len(), 48);
    for row in rows {
        let Value::Object(mut fields) = row.clone() else {
            panic!("{row}");
        };
        let messages = fields.remove("messages").unwrap();
        let messages: Vec<Message> = serde_json::from_value(messages).unwrap();
        let template = row["template"].as_str().unwrap();
        let got = render(template, &messages, &options(&mut fields));
        let same = match &got {
            Ok(text) => row["rendered"] == *text,
            Err(TextError::TemplateRaised { message }) => row["raised"] == *message,
            Err(_) => row["fails"] == true,
        };
        if !same {
            let expected = row.get("rendered").or(row.get("raised"));
            wrong.push(format!("{}:\n  {expected:?}\n  {got:?}", row["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn fails(template: &str) -> TextError {
    let started = Instant::now();
    let result = render(
        template,
        &[Message::new("user", "hi")],
        &RenderOptions::default(),
    );
    let elapsed = started.elapsed();
    assert!(elapsed.as_secs() < 20, "{elapsed:?} for {template:.80}");
    match result {
        Ok(text) => panic!("{} bytes from {template:.80}", text.len()),
        Err(error) => error,
    }
}

#[test]
fn errors_say_where() {
    let error = fails("a\n{% if %}");
    assert!(
        matches!(error, TextError::TemplateSyntax { line: Some(2), .. }),
        "{error:?}"
    );
    let error = fails("a\nb\n{{ messages[0].content.nope() }}");
    assert!(
        matches!(error, TextError::TemplateRender { line: Some(3), .. }),
        "{error:?}"
    );
    let error = fails("{{ raise_exception('no ' ~ messages[0].role) }}");
    let TextError::TemplateRaised { message } = error else {
        panic!("{error:?}");
    };
    assert_eq!(message, "no user");
}

#[test]
fn the_date_is_unknown_unless_given() {
    let template = "{{ strftime_now('%Y') if strftime_now is defined else 'never' }}";
    let mut options = RenderOptions::default();
    assert_eq!(render(template, &[], &options).unwrap(), "never");
    options.now = LocalTime::from_unix(0, 0);
    assert_eq!(render(template, &[], &options).unwrap(), "1970");
}

#[test]
fn tokens_without_a_name_are_undefined() {
    let template = ChatTemplate::new("{{ bos_token is defined }}", SpecialNames::default());
    let text = template.unwrap().render(&[], &RenderOptions::default());
    assert_eq!(text.unwrap(), "False");
}

#[test]
fn hostile_templates_end() {
    let long = "{{ x }}".repeat(200_000);
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000));
    let nested = "{% if true %}".repeat(5000);
    for template in [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
        "{% set ns = namespace(x='xxxxxxxx') %}\
         {% for a in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x='xxxxxxxx') %}\
         {% for a in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}\
         {% for a in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=[1]) %}\
         {% for a in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}",
        "{{ 'x' * 999999999 }}",
        "{{ ('x' * 99999) | replace('x', 'x' * 99999) }}",
        "{{ 'x'.join(range(99999) | list) * 9999 }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{{ '%999999999d' | format(1) }}",
        "{{ range(999999999999) | list }}",
        "{{ 9 ** 9 ** 9 ** 9 }}",
        "{{ messages | tojson(indent=99999999) }}",
        "{{ messages | tojson(indent='x' * 9999999) }}",
        "{% include 'chat_template' %}",
        "{% extends 'chat_template' %}",
        "{% import '/etc/passwd' as x %}",
        &long,
        &deep,
        &nested,
    ] {
        let error = fails(template);
        assert!(error.to_string().len() < 400, "{error}");
    }
}

#[test]
fn long_conversations_render() {
    let template =
        "{% for m in messages %}{{ '<' + m.role + '>' + (m.content | trim) + '\n' }}{% endfor %}";
    let messages: Vec<_> = (0..5000)
        .map(|turn| Message::new("user", format!("{turn} ").repeat(100)))
        .collect();
    let text = render(template, &messages, &RenderOptions::default()).unwrap();
    assert!(text.len() > 2_000_000);
}
