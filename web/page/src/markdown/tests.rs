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
fn nothing_a_model_writes_becomes_markup() {
    let attacks = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<iframe src='javascript:alert(1)'></iframe>",
        "<div onclick=alert(1)>\n\n**x**\n\n</div>",
        "<style>*{display:none}</style>",
        "<!-- --><script>alert(1)</script>",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](java\nscript:alert(1))",
        "[a](&#106;avascript:alert(1))",
        "[a](data:text/html,<script>alert(1)</script>)",
        "[a](vbscript:x)",
        "[a](//evil.example)",
        "[a](file:///etc/passwd)",
        "<javascript:alert(1)>",
        "![a](https://evil.example/pixel.png)",
        "![a](javascript:alert(1))",
        "[a]\n\n[a]: javascript:alert(1)",
        "[a](https://x\" onmouseover=\"alert(1))",
        "`<script>`",
        "```<script>\nalert(1)\n```",
        "```\"><script>alert(1)</script>\nx\n```",
        r"$\text{<img src=x onerror=alert(1)>}$",
        r"$\href{javascript:alert(1)}{x}$",
        r"$\class{x}{y} \style{color:red}{z}$",
        r"$<script>alert(1)</script>$",
        r#"$\text{</mtext></math><script>alert(1)</script>}$"#,
        r#"$\color{red;background:url(https://evil.example)}{x}$"#,
        r"$\unknown<img src=x>{x}$",
        "\\[<maction actiontype=\"statusline\">x</maction>\\]",
        "| <script> | b |\n|---|---|\n| <img onerror=x> | [a](javascript:x) |",
        "\u{E000}\u{E010}\u{E001}",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ];
    for source in attacks {
        for html in [render(source), grow(source, 1)] {
            check_tags(source, &html);
        }
    }
}

/// Every tag and attribute of the page's own making, every link to the web.
fn check_tags(source: &str, html: &str) {
    const TAGS: [&str; 26] = [
        "p",
        "h3",
        "h4",
        "h5",
        "h6",
        "em",
        "strong",
        "del",
        "ul",
        "ol",
        "li",
        "blockquote",
        "hr",
        "br",
        "code",
        "pre",
        "figure",
        "figcaption",
        "span",
        "button",
        "div",
        "table",
        "thead",
        "tbody",
        "tr",
        "a",
    ];
    let mathematics = |tag: &str| tag == "td" || tag == "th" || tag.starts_with('m');
    for piece in html.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').unwrap_or((piece, ""));
        let tag = tag.trim_start_matches('/');
        let name = tag.split(' ').next().unwrap_or_default();
        let known = TAGS.contains(&name) || ["b", "i", "u", "s"].contains(&name);
        assert!(
            known || mathematics(name),
            "<{tag}> from {source:?}: {html}"
        );
        for attribute in tag.split(' ').skip(1).filter(|part| part.contains("=\"")) {
            let attribute = attribute.split('=').next().unwrap_or_default();
            assert!(
                !attribute.starts_with("on"),
                "{attribute} from {source:?}: {html}"
            );
            assert!(
                attribute != "style" && attribute != "src",
                "{attribute} from {source:?}"
            );
        }
        if let Some((_, target)) = tag.split_once("href=\"") {
            assert!(target.starts_with("https://"), "{target} from {source:?}");
        }
    }
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
    let source = include_str!("testdata/reply.md");
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

#[test]
fn no_text_exhausts_the_stack() {
    for source in [
        "> ".repeat(5_000) + "x",
        "- ".repeat(5_000) + "x",
        "*".repeat(20_000) + "x",
        "[".repeat(20_000),
        format!("${}${}", "{".repeat(2_000), "}".repeat(2_000)),
        format!("${}x{}$", "{".repeat(2_000), "}".repeat(2_000)),
        format!("$x{}$", "^{x".repeat(1_200)),
        format!("$x{}$", "_x^".repeat(1_300)),
        format!("${}x$", "\\sqrt".repeat(800)),
        format!("${}x$", "\\left(".repeat(600)),
        format!("${}$", "\\begin{matrix}".repeat(280)),
        format!("${}x$", "\\frac ".repeat(600)),
        format!("${}x$", "\\hat".repeat(1_000)),
        format!("$x{}$", "'".repeat(4_000)),
        format!("${}$", "\\not".repeat(1_000)),
        format!("${}$", "\\color{red}".repeat(360)),
        "$".repeat(10_000),
        "\\[".repeat(10_000),
        "\\boxed{".repeat(2_000),
        "`".repeat(10_000),
    ] {
        render(&source);
    }
}

#[test]
fn random_pieces_neither_panic_nor_become_markup_and_grow_to_the_same_end() {
    const PIECES: [&str; 40] = [
        "$",
        "$$",
        "\\(",
        "\\)",
        "\\[",
        "\\]",
        "`",
        "```",
        "~~~",
        "\n",
        "\n\n",
        "    ",
        "- ",
        "1. ",
        "> ",
        "# ",
        "|",
        "---",
        "**",
        "_",
        "<b>",
        "</b>",
        "[a](",
        ")",
        "https://x.y",
        "\\boxed{",
        "}",
        "{",
        "\\frac",
        "^",
        "&",
        "\\\\",
        "\\begin{align*}",
        "\\end{align*}",
        "x",
        "é",
        "5",
        " ",
        "\u{E000}",
        "words and ",
    ];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..3_000 {
        let mut source = String::new();
        for _ in 0..40 {
            // xorshift64*, Vigna 2016.
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            let draw = state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
            source.push_str(PIECES[draw as usize % PIECES.len()]);
        }
        let whole = render(&source);
        check_tags(&source, &whole);
        assert_eq!(grow(&source, 5), whole, "for {source:?}");
    }
}
