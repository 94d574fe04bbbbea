//! Documentation in generated code. What a description says is somebody else's text: rustdoc must neither warn of it
//! nor take a part of it for code, clippy must not complain of its lists, and none of it may be lost.

/// The width at which lines are wrapped, the space that follows `///` included. A longer word stands alone on its line.
const WIDTH: usize = 100;

/// Stands for a space in code while lines are wrapped: half of it on the next line could be more than code.
const UNBROKEN: &str = "\0";

/// The lines of a description's text, in which nothing is more than text to rustdoc, except for code in backticks.
pub(crate) fn lines(text: &str) -> Vec<String> {
    let escaped: Vec<_> = text.lines().map(escaped).collect();
    let lines = wrapped(&escaped.join("\n"));
    lines.iter().map(|it| it.replace(UNBROKEN, " ")).collect()
}

/// Wraps Markdown, line by line. Each line starts with the space that follows `///`, or is empty. Indentation goes, so
/// that nothing is code for its sake.
pub(crate) fn wrapped(markdown: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    // What follows an item of a list belongs to it until an empty line: clippy wants to see that.
    let mut indent = 0;
    for source in markdown.trim().lines() {
        let mut words = source.split_whitespace().peekable();
        let Some(first) = words.next() else {
            indent = 0;
            if lines.last().is_some_and(|line| !line.is_empty()) {
                lines.push(String::new());
            }
            continue;
        };
        let mut line = if is_marker(first) {
            indent = first.len() + 1;
            let second = words.next().map(text).unwrap_or_default();
            format!(" {first} {second}").trim_end().to_owned()
        } else {
            format!(" {:indent$}{}", "", text(first))
        };
        while let Some(word) = words.next() {
            let mut together = word.to_owned();
            while let Some(next) = words.next_if(|word| begins_a_block(word)) {
                together = format!("{together} {next}");
            }
            if line.chars().count() + 1 + together.chars().count() > WIDTH
                && !begins_a_block(&together)
            {
                lines.push(std::mem::take(&mut line));
                line = format!(" {:indent$}{together}", "");
            } else {
                line = format!("{line} {together}");
            }
        }
        lines.push(line);
    }
    lines
}

/// A word that begins a line or an item of a list as no more than text: a heading is over at the end of its line, and a
/// list in a list would want an indentation of its own.
fn text(word: &str) -> String {
    if word.starts_with('#') {
        format!("\\{word}")
    } else if is_marker(word) {
        let (number, mark) = word.split_at(word.len() - 1);
        format!("{number}\\{mark}")
    } else {
        word.to_owned()
    }
}

/// Whether a word is what an item of a list begins with.
fn is_marker(word: &str) -> bool {
    let number = word.strip_suffix(['.', ')']);
    matches!(word, "-" | "+" | "*")
        || number.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
}

/// Whether a word could make a list, a heading or a rule of the line that it begins: the break of a line must not make it
/// so.
fn begins_a_block(word: &str) -> bool {
    word.starts_with(['-', '+', '*', '#', '=', '_']) || is_marker(word)
}

/// A line of text as Markdown: what stands in balanced backticks stays code, addresses become links, and everything that
/// could be a link, a tag, a fence, a quotation or a table is escaped.
fn escaped(line: &str) -> String {
    let line: String = line.chars().filter(|it| !is_unseen(*it)).collect();
    let mut rest = line.as_str();
    let mut markdown = String::new();
    while let Some(next) = rest.chars().next() {
        let taken = if next == '`' {
            let ticks = rest.len() - rest.trim_start_matches('`').len();
            let code = code(rest, ticks);
            match code {
                Some(code) => {
                    markdown.push_str(&code.replace(char::is_whitespace, UNBROKEN));
                }
                None => markdown.push_str(&"\\`".repeat(ticks)),
            }
            code.map_or(ticks, str::len)
        } else if let Some(address) = address(rest) {
            markdown.push('<');
            markdown.push_str(address);
            markdown.push('>');
            address.len()
        } else {
            if matches!(next, '\\' | '<' | '>' | '[' | '|' | '~') {
                markdown.push('\\');
            }
            markdown.push(next);
            next.len_utf8()
        };
        rest = &rest[taken..];
    }
    markdown
}

/// The code that a text begins with: to the next run of as many backticks. Three could make a fence, and what is too
/// long for a line is no name.
fn code(text: &str, ticks: usize) -> Option<&str> {
    let mut end = ticks;
    while ticks < 3 && end < WIDTH * 3 / 4 {
        end += text[end..].find('`')?;
        let run = text[end..].len() - text[end..].trim_start_matches('`').len();
        end += run;
        if run == ticks {
            return Some(&text[..end]).filter(|code| code.len() < WIDTH * 3 / 4);
        }
    }
    None
}

/// The web address that a text begins with, without the punctuation of the sentence that it stands in.
fn address(text: &str) -> Option<&str> {
    let scheme = ["https://", "http://"]
        .into_iter()
        .find(|scheme| text.starts_with(scheme))?;
    let ends = |it: char| it.is_whitespace() || matches!(it, '<' | '>' | '`' | '"' | '\\');
    let address = &text[..text.find(ends).unwrap_or(text.len())];
    let address =
        address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', ')', ']', '}']);
    (address.len() > scheme.len()).then_some(address)
}

/// Control characters, and those that turn the direction of text: rustc refuses the latter in comments.
fn is_unseen(character: char) -> bool {
    (character.is_control() && !character.is_whitespace())
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use std::{fmt::Write, fs, process::Command};

    use super::*;

    fn one(text: &str) -> String {
        lines(text).join("\n")
    }

    #[test]
    fn code_in_backticks_stays_as_it_is() {
        let text = "Of `s3://<bucket>/<dir>?region=<region>`, ``a`b`` or `ORD`.";
        assert_eq!(one(text), format!(" {text}"));
    }

    #[test]
    fn what_is_not_code_is_no_more_than_text() {
        assert_eq!(one("a <tag> and [`Type`]"), r" a \<tag\> and \[`Type`]");
        assert_eq!(one("one ` alone"), r" one \` alone");
        assert_eq!(
            one("```rust\nfoo();\n```"),
            " \\`\\`\\`rust\n foo();\n \\`\\`\\`"
        );
        assert_eq!(one("```foo``` bar"), r" \`\`\`foo\`\`\` bar");
        assert_eq!(one("# a"), r" \# a");
        assert_eq!(one("~~~\n| a |\n> b"), " \\~\\~\\~\n \\| a \\|\n \\> b");
        assert_eq!(one(r"C:\<x> \`"), r" C:\\\<x\> \\\`");
    }

    #[test]
    fn addresses_are_links() {
        assert_eq!(
            one("See https://example.com/a?b=[c], (http://example.com)."),
            " See <https://example.com/a?b=[c>], (<http://example.com>)."
        );
        assert_eq!(one("https:// alone"), " https:// alone");
        assert_eq!(one("`https://example.com`"), " `https://example.com`");
    }

    #[test]
    fn indentation_makes_no_code() {
        assert_eq!(
            one("Text.\n\n    let x = 1;\n\tor"),
            " Text.\n\n let x = 1;\n or"
        );
    }

    #[test]
    fn nothing_that_is_seen_is_lost() {
        assert_eq!(
            one("caf\u{e9} \u{202e}*/ \"q\" \u{0}\u{1f600}"),
            " caf\u{e9} */ \"q\" \u{1f600}"
        );
        let long = "w".repeat(200);
        assert_eq!(
            lines(&format!("a {long} b")),
            [" a".into(), format!(" {long}"), " b".into()]
        );
        assert!(lines(" \n ").is_empty());
    }

    #[test]
    fn a_break_of_a_line_begins_nothing() {
        let words = "word ".repeat(19);
        assert_eq!(
            lines(&format!("{words}wor - # 1. end")),
            [format!(" {}", words.trim_end()), " wor - # 1. end".into()]
        );
        assert_eq!(
            lines(&format!("{words}`a <div - b`")),
            [format!(" {}", words.trim_end()), " `a <div - b`".into()]
        );
    }

    #[test]
    fn items_of_lists_are_indented_until_an_empty_line() {
        let text = format!("- {}\nmore\n- - b\n\nafter", "word ".repeat(20));
        let first = format!(" - {}", "word ".repeat(19).trim_end());
        assert_eq!(
            lines(&text),
            [&first, "   word", "   more", r" - \- b", "", " after"]
        );
    }

    /// Only rustdoc can tell what rustdoc warns of: texts put together of everything that it might take for markup.
    #[test]
    fn rustdoc_has_nothing_to_say_to_hostile_prose() {
        const PIECES: [&str; 47] = [
            "<tag>",
            "</div>",
            "<",
            "<!--",
            "[brackets]",
            "[`Option`]",
            "[a](b)",
            "[a][b]",
            "[a]: b",
            "![i](j)",
            "[^1]:",
            "https://example.com",
            "http://a.b/(c)?d=[e]&f",
            "`",
            "``",
            "```",
            "```rust",
            "`code`",
            "`a <b> [c]`",
            "~~~",
            "*/",
            "/*",
            "\"",
            "'",
            "\\",
            "\\`",
            "caf\u{e9} \u{1f600}",
            "\u{202e}",
            "-",
            "*",
            "1.",
            "+",
            "#",
            "##",
            ">",
            "---",
            "===",
            "|",
            "|-|",
            "&lt;b>",
            "**",
            "_",
            "word",
            "\n",
            "\n\n",
            "\n    fn main() { panic!() }",
            "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww",
        ];
        let mut seed = 1_u64;
        let mut piece = || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            PIECES[usize::try_from(seed >> 33).unwrap() % PIECES.len()]
        };
        let mut code = String::from("//! Hostile.\n#![deny(warnings, rustdoc::all)]\n");
        for number in 0..1000 {
            let text: Vec<_> = (0..40).map(|_| piece()).collect();
            let text = text.join(if number % 2 == 0 { " " } else { "" });
            for line in lines(&format!("x {text}")) {
                writeln!(code, "///{line}").unwrap();
            }
            writeln!(code, "pub struct Type{number};").unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hostile.rs");
        fs::write(&file, code).unwrap();
        let rustdoc = |arguments: &[&str]| {
            let mut rustdoc = Command::new(std::env::var_os("RUSTDOC").unwrap_or("rustdoc".into()));
            let output = rustdoc
                .args(arguments)
                .arg(&file)
                .current_dir(&folder)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && said.is_empty(), "{said}");
            String::from_utf8(output.stdout).unwrap()
        };
        rustdoc(&["--edition=2024"]);
        let tests = rustdoc(&["--edition=2024", "--test"]);
        assert!(tests.contains("running 0 tests"), "{tests}");
    }
}
