//! Just enough of a Rust lexer to judge a file by what it says: comments, strings and `#[cfg(test)]` items taken out,
//! paths read through `use` groups. Not a parser: macros that build paths go unseen.

/// The code of `text`: comments gone, strings and character literals emptied, lines kept.
pub fn code_of(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (taken, kept) = match rest {
            ['/', '/', ..] => (line_comment(rest), ""),
            ['/', '*', ..] => (block_comment(rest), " "),
            ['r', '"' | '#', ..] if !ends_in_word(&out) && raw_string(rest).is_some() => {
                (raw_string(rest).unwrap_or(1), "\"\"")
            }
            ['"', ..] => (quoted(rest, '"'), "\"\""),
            ['\'', ..] if is_char_literal(rest) => (quoted(rest, '\''), "''"),
            _ => (1, ""),
        };
        if kept.is_empty() && taken == 1 {
            out.push(rest[0]);
        } else {
            out.push_str(kept);
            out.extend(rest[..taken].iter().filter(|c| **c == '\n'));
        }
        at += taken;
    }
    out
}

/// `code` without the items that only test builds have, and the names of the `mod name;` among them.
pub fn without_tests(code: &str) -> (String, Vec<String>) {
    let mut out = String::new();
    let mut modules = Vec::new();
    let mut rest = code;
    while let Some((before, after)) = rest.split_once("#[cfg(test)]") {
        out.push_str(before);
        let end = item_end(after);
        let item = &after[..end];
        if let Some(name) =
            item.trim_end_matches(';').trim().strip_prefix("mod ").filter(|_| item.ends_with(';'))
        {
            modules.push(name.trim().to_owned());
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    (out, modules)
}

/// Every path of `code` that begins with one of `roots`, `use` groups and globs spelled out.
pub fn paths_of(code: &str, roots: &[&str]) -> Vec<Vec<String>> {
    let tokens = tokens_of(code);
    let mut paths = Vec::new();
    for at in 0..tokens.len() {
        let starts = roots.contains(&tokens[at].as_str());
        let inside = at > 1 && tokens[at - 1] == "::" && is_word(&tokens[at - 2]) && tokens[at - 2] != "use";
        if starts && !inside && tokens.get(at + 1).is_some_and(|next| next == "::") {
            read_path(&tokens, at, Vec::new(), &mut paths);
        }
    }
    paths
}

/// Whether `code` calls the macro `name!`.
pub fn calls_macro(code: &str, name: &str) -> bool {
    let tokens = tokens_of(code);
    tokens.windows(2).any(|pair| pair[0] == name && pair[1] == "!")
}

/// Reads one path or `use` tree at `at`, appends what it names to `paths`, and says where it ends.
fn read_path(tokens: &[String], mut at: usize, mut path: Vec<String>, paths: &mut Vec<Vec<String>>) -> usize {
    loop {
        match tokens.get(at).map(String::as_str) {
            Some("{") => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    at = if tokens[at] == "," { at + 1 } else { read_path(tokens, at, path.clone(), paths) };
                }
                return at + 1;
            }
            Some(word) if is_word(word) || word == "*" => {
                if word != "*" && word != "self" {
                    path.push(word.to_owned());
                }
                at += 1;
            }
            _ => at += 1,
        }
        match tokens.get(at).map(String::as_str) {
            Some("::") => at += 1,
            Some("as") => {
                paths.push(path);
                return at + 2;
            }
            _ => {
                paths.push(path);
                return at;
            }
        }
    }
}

fn tokens_of(code: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
        match c {
            ':' if chars.next_if_eq(&':').is_some() => tokens.push("::".into()),
            c if c.is_whitespace() => {}
            c => tokens.push(c.into()),
        }
    }
    tokens.extend((!word.is_empty()).then_some(word));
    tokens
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Where the item at the start of `text` ends: behind its `;`, or behind the `}` of its first block.
fn item_end(text: &str) -> usize {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            ';' if depth == 0 => return at + 1,
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

fn ends_in_word(out: &str) -> bool {
    out.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn line_comment(rest: &[char]) -> usize {
    rest.iter().position(|c| *c == '\n').unwrap_or(rest.len())
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    at
}

/// The length of the raw string at the start of `rest`, or `None` where it is none (`r#type`).
fn raw_string(rest: &[char]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    let body = 1 + hashes + 1;
    rest.get(body - 1).filter(|c| **c == '"')?;
    let closes = |at: usize| {
        rest[at] == '"' && rest[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    };
    (body..rest.len()).find(|at| closes(*at)).map(|at| at + 1 + hashes).or(Some(rest.len()))
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// `'a'` and `'\n'`, not the lifetime `'a`.
fn is_char_literal(rest: &[char]) -> bool {
    matches!(rest, ['\'', '\\', ..] | ['\'', _, '\'', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(code: &str) -> Vec<String> {
        paths_of(&code_of(code), &["std"]).into_iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn paths_are_found_inline_grouped_renamed_and_under_globs() {
        assert_eq!(paths("fn f() { let t = std::time::Instant::now(); }"), ["std::time::Instant::now"]);
        let group = "use std::{collections::{BTreeMap, HashMap as Map}, time::{self, Instant}, net::*};";
        assert_eq!(
            paths(group),
            [
                "std::collections::BTreeMap",
                "std::collections::HashMap",
                "std::time",
                "std::time::Instant",
                "std::net"
            ]
        );
        assert_eq!(paths("use ::std::net::TcpStream;"), ["std::net::TcpStream"]);
        assert_eq!(paths("use std :: fs ;"), ["std::fs"]);
        assert_eq!(paths("x(std::mem::size_of::<u8>())"), ["std::mem::size_of"]);
    }

    #[test]
    fn comments_and_strings_say_nothing() {
        let code = "// std::net\n/* std::fs /* std::env */ std::net */ \
             let a = \"std::thread \\\" std::net\"; let b = r#\"std::fs\"#; let c: &'static str = x('\"', '\\'');";
        assert!(paths(code).is_empty(), "{:?}", paths(code));
    }

    #[test]
    fn code_behind_strings_and_lifetimes_is_still_read() {
        assert_eq!(paths("fn f<'a>(x: &'a str) { g('x', \"y\"); std::fs::read(x) }"), ["std::fs::read"]);
        assert_eq!(paths("let r#type = 1; let s = r\"q\"; std::fs::x"), ["std::fs::x"]);
    }

    #[test]
    fn lines_survive() {
        let text = "a\n/* b\n c */\n\"d\n e\" // f\ng";
        assert_eq!(code_of(text).lines().count(), text.lines().count());
    }

    #[test]
    fn test_items_are_taken_out_and_their_modules_named() {
        let code = "fn a() {}\n#[cfg(test)]\nmod sim;\n#[cfg(test)]\nmod tests { fn b() { c() } }\nfn d() {}";
        let (kept, modules) = without_tests(code);
        assert_eq!(modules, ["sim"]);
        assert!(kept.contains("fn a") && kept.contains("fn d") && !kept.contains("fn b"), "{kept}");
    }

    #[test]
    fn macro_calls_are_found() {
        assert!(calls_macro("fn f() { todo ! () }", "todo"));
        assert!(!calls_macro("fn todo() { todo() }", "todo"));
    }
}
