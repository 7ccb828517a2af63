//! What good Markdown becomes; `hostile` is about the rest.

mod hostile;

use super::*;
use crate::tree::html::to_html;

fn render(source: &str) -> String {
    let mut document = Document::default();
    document.update(source, false);
    to_html(&document.nodes().collect::<Vec<_>>())
}

/// What a text of this length looks like while it grows, in steps of `step` bytes, at its end.
fn grow(source: &str, step: usize) -> String {
    let mut document = Document::default();
    for end in (0..source.len())
        .step_by(step)
        .filter(|end| source.is_char_boundary(*end))
    {
        document.update(&source[..end], true);
    }
    document.update(source, false);
    to_html(&document.nodes().collect::<Vec<_>>())
}

/// The text as a reader sees it: every tag taken away.
fn visible(html: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

#[test]
fn markdown_becomes_elements() {
    let rows = [
        ("plain", "<p>plain</p>"),
        (
            "a *b* **c** ~~d~~",
            "<p>a <em>b</em> <strong>c</strong> <del>d</del></p>",
        ),
        ("# Head", "<h3>Head</h3>"),
        ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
        ("3. a\n4. b", "<ol start=\"3\"><li>a</li><li>b</li></ol>"),
        ("> q", "<blockquote><p>q</p></blockquote>"),
        ("a  \nb", "<p>a<br>b</p>"),
        ("a<br>b", "<p>a<br>b</p>"),
        ("`x < y`", "<p><code>x &lt; y</code></p>"),
        ("---", "<hr>"),
        (
            "- [x] done",
            "<ul><li><span class=\"task\">☑ </span>done</li></ul>",
        ),
    ];
    for (source, expected) in rows {
        assert_eq!(render(source), expected, "for {source:?}");
    }
}

#[test]
fn code_blocks_keep_their_text_and_offer_to_copy_it() {
    let html = render("```rust\nlet x = \"$a$ <b>\";\n\\(y\\)\n```");
    assert!(html.contains("<span>rust</span>"), "{html}");
    assert!(
        html.contains("let x = &quot;$a$ &lt;b&gt;&quot;;\n\\(y\\)</code>"),
        "{html}"
    );
    assert!(!html.contains("<math"), "{html}");
    assert!(html.contains("data-testid=\"copy-code\""), "{html}");
}

#[test]
fn tables_scroll_and_align() {
    let html = render("| a | b |\n|---|--:|\n| $|x|$ | 2 |");
    assert!(
        html.contains("<div class=\"wide\" tabindex=\"0\"><table><thead><tr>"),
        "{html}"
    );
    assert!(
        html.contains("<th scope=\"col\" class=\"right\">b</th>"),
        "{html}"
    );
    assert!(
        html.contains("<tbody><tr><td><math"),
        "a bar inside a formula is no column: {html}"
    );
}

#[test]
fn every_way_of_writing_mathematics_is_found() {
    let inline = "<math><msup><mi>x</mi><mn>2</mn></msup></math>";
    let block = "<math display=\"block\"><msup><mi>x</mi><mn>2</mn></msup></math>";
    let display = format!("<p><span class=\"math-block\">{block}</span></p>");
    let rows = [
        (r"\(x^2\)", format!("<p>{inline}</p>")),
        (r"\( x^2 \)", format!("<p>{inline}</p>")),
        ("$x^2$", format!("<p>{inline}</p>")),
        (r"\[x^2\]", display.clone()),
        ("\\[\nx^2\n\\]", display.clone()),
        ("$$x^2$$", display.clone()),
        ("$$\n\nx^2\n\n$$", display.clone()),
        ("\\begin{equation}x^2\\end{equation}", String::new()),
        (
            "**Answer:** $x^2$.",
            format!("<p><strong>Answer:</strong> {inline}.</p>"),
        ),
        ("**$x^2$**", format!("<p><strong>{inline}</strong></p>")),
        ("- $x^2$", format!("<ul><li>{inline}</li></ul>")),
    ];
    for (source, expected) in rows {
        let html = render(source);
        if expected.is_empty() {
            assert!(html.contains("<math"), "for {source:?}: {html}");
        } else {
            assert_eq!(html, expected, "for {source:?}");
        }
    }
}

#[test]
fn what_is_no_mathematics_stays_text() {
    for source in [
        "It costs $5, not $10.",
        "between $5-$10 and US$ 7",
        "`$HOME` and `$PATH`",
        r"\$5 and \$6",
        "a $ b $ c",
        "$$$$",
        "unfinished \\( x",
        "unfinished $$ x",
        "```\n$x$\n",
    ] {
        let html = render(source);
        assert!(!html.contains("<math"), "for {source:?}: {html}");
    }
    assert_eq!(
        render("It costs $5, not $10."),
        "<p>It costs $5, not $10.</p>"
    );
}

#[test]
fn a_line_of_a_formula_is_no_heading_list_or_emphasis() {
    let html = render("\\[\na_1\n= b_1\n- c\n---\n\\]");
    assert!(html.contains("<math display=\"block\">"), "{html}");
    for tag in ["<h3", "<h4", "<ul", "<em", "<hr"] {
        assert!(!html.contains(tag), "{tag} in {html}");
    }
}

#[test]
fn what_models_write_and_the_converter_lacks_is_rewritten() {
    for source in [
        r"\boxed{42}",
        r"$\boxed{\dfrac{1}{2}}$",
        r"\[\begin{split} a &= b \\[4pt] c &= d \end{split}\]",
        r"\begin{align*} a &= b \\ c &= d \end{align*}",
        r"$x \tag{1}$",
        r"$\large x$",
        r"$90^\circ + 45\degree$",
        r"\[ \text{Area} = \frac{1}{2} \cdot 3 \cdot 4 = \boxed{6} \quad \text{cm}^2 \]",
        r"\( \sqrt[3]{8} \le \lfloor \pi \rfloor \)",
    ] {
        let html = render(source);
        assert!(html.contains("<math"), "for {source:?}: {html}");
        assert!(!html.contains("math-source"), "for {source:?}: {html}");
    }
    assert!(render(r"\boxed{42}").contains("<mrow class=\"m-boxed\"><mn>42</mn></mrow>"));
    let cancelled = render(r"$\cancel{x} \xcancel{y}$");
    assert!(!cancelled.contains("m-boxed"), "{cancelled}");
}

#[test]
fn a_formula_that_cannot_be_typeset_shows_its_source() {
    for latex in [r"\frac{1}{", r"x_{1", r"\begin{cases}", r"}{"] {
        let html = render(&format!("${latex}$"));
        assert!(html.contains("<code class=\"math-source\""), "{html}");
        assert!(visible(&html).contains(latex), "{html}");
    }
    let unknown = render(r"$\nosuchcommand{x} + 1$");
    assert!(
        unknown.contains("m-unknown") && unknown.contains("<mn>1</mn>"),
        "{unknown}"
    );
}

#[test]
fn links_lead_to_the_web_in_a_new_tab_and_tell_nothing() {
    assert_eq!(
        render("[a](https://example.org/x?y=1&z)"),
        "<p><a href=\"https://example.org/x?y=1&amp;z\" target=\"_blank\" \
         rel=\"noopener noreferrer nofollow\">a</a></p>"
    );
    assert!(render("<https://example.org>").contains("<a href=\"https://example.org\""));
    assert_eq!(render("[a](javascript:x)"), "<p><span>a</span></p>");
    let image = render("![alt](https://example.org/x.png)");
    assert!(
        image.contains(">alt</a>") && !image.contains("<img"),
        "{image}"
    );
}

#[test]
fn a_growing_text_ends_as_the_whole_text_does() {
    let source = include_str!("reply.md");
    let whole = render(source);
    for step in [1, 2, 3, 7, 50, 400] {
        assert_eq!(grow(source, step), whole, "in steps of {step}");
    }
    assert!(whole.contains("<math") && whole.contains("<table>") && whole.contains("figure"));
}

#[test]
fn a_growing_text_settles_what_cannot_change() {
    let mut document = Document::default();
    let source = "# A\n\nfirst\n\n- a\n\n- b\n\nlast";
    document.update(source, true);
    assert_eq!(&source[document.settled..], "last");
    let kept: Vec<_> = document.finished.clone();
    document.update(&format!("{source} and more\n\nnext"), true);
    assert!(
        kept.iter()
            .zip(&document.finished)
            .all(|(a, b)| Rc::ptr_eq(a, b))
    );
    assert!(
        !document.update(&format!("{source} and more\n\nnext"), true),
        "nothing to do"
    );
}

#[test]
fn a_formula_being_written_is_shown_as_such() {
    let mut document = Document::default();
    document.update("so \\[ \\frac{1}{", true);
    let html = to_html(&document.nodes().collect::<Vec<_>>());
    assert_eq!(
        html,
        "<p>so <code class=\"math-open\">\\[ \\frac{1}{</code></p>"
    );
}
