//! Full text search: one token per Chinese character, one per run of other letters and digits.
//!
//! Trigrams find nothing for words of one or two characters, and `unicode61` nothing inside a
//! run of Chinese; phrases of single characters find all (findings-web.md section B, *search*).

/// Words of a query that are looked at.
const MAX_WORDS: usize = 16;
/// Tokens of one query word that are looked at.
const MAX_TOKENS: usize = 64;

/// Han, kana and the like: written without spaces, so each character is a token.
fn stands_alone(c: char) -> bool {
    matches!(u32::from(c),
        0x2e80..=0x2fff | 0x3005..=0x3007 | 0x3021..=0x3029 | 0x3040..=0x30ff
        | 0x3100..=0x312f | 0x31a0..=0x31ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff
        | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

/// Full-width letters and digits are typed as often as half-width ones.
fn narrow(c: char) -> char {
    match u32::from(c) {
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// The tokens of a text, in order. They hold letters and digits only.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut run = String::new();
    for c in text.chars().map(narrow) {
        if c.is_alphanumeric() && !stands_alone(c) {
            run.extend(c.to_lowercase().filter(|c| c.is_alphanumeric()));
            continue;
        }
        if !run.is_empty() {
            tokens.push(std::mem::take(&mut run));
        }
        if stands_alone(c) && c.is_alphanumeric() {
            tokens.push(c.to_string());
        }
    }
    if !run.is_empty() {
        tokens.push(run);
    }
    tokens
}

/// The text as the search table holds it.
pub(crate) fn indexed(text: &str) -> String {
    tokens(text).join(" ")
}

/// The search table's expression for what a person typed; `None` if there is nothing to look
/// for in it. Every word must occur, as a phrase; a word of letters may be a beginning.
pub(crate) fn expression(query: &str) -> Option<String> {
    let words = query.split_whitespace().take(MAX_WORDS);
    let phrases: Vec<String> = words
        .filter_map(|word| {
            let mut tokens = tokens(word);
            tokens.truncate(MAX_TOKENS);
            let last = tokens.last()?;
            let open_end = if last.chars().any(stands_alone) {
                ""
            } else {
                "*"
            };
            // Tokens hold letters and digits only, so nothing in them can end the string.
            Some(format!("\"{}\"{open_end}", tokens.join(" ")))
        })
        .collect();
    (!phrases.is_empty()).then(|| phrases.join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_is_split_by_character_and_letters_by_word() {
        assert_eq!(
            indexed("3号楼起火，ＦＩＲＥ alarm-2!"),
            "3 号 楼 起 火 fire alarm 2"
        );
    }

    #[test]
    fn a_query_is_phrases_that_all_must_occur() {
        assert_eq!(
            expression("火情 Fire  三号楼"),
            Some("\"火 情\" AND \"fire\"* AND \"三 号 楼\"".to_owned())
        );
    }

    #[test]
    fn search_syntax_in_a_query_is_only_text() {
        assert_eq!(
            expression("\"a\" OR tokens:* NEAR(x)"),
            Some("\"a\"* AND \"or\"* AND \"tokens\"* AND \"near x\"*".to_owned())
        );
        assert_eq!(expression("\"'*-,()"), None);
    }
}
