//! Texts that try to become markup, to exhaust the stack, or are just nonsense.

use super::{grow, render};

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
