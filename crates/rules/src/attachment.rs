//! 附件 of a duty record: how many, and names that are harmless wherever they are shown or saved.

/// Attachments of one record.
pub const MAX_ATTACHMENTS: usize = 50;
/// Longest name in code points; the field table's limit.
pub const MAX_NAME: usize = 200;
/// What a file without a usable name is called.
const NAMELESS: &str = "附件";

/// A file's name without what could mislead a reader or a file system: folders, control
/// characters, characters that turn the direction of writing or show nothing, leading dots and
/// trailing dots and spaces. Too long a name loses its middle and keeps its ending.
#[must_use]
pub fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .map(|c| if "<>:\"|?*".contains(c) { '_' } else { c })
        .collect();
    let kept = kept
        .trim()
        .trim_start_matches('.')
        .trim_end_matches(['.', ' ']);
    if kept.is_empty() {
        return NAMELESS.to_owned();
    }
    shorten(kept)
}

/// The part of a name after its last dot, in lower case; "" without one.
#[must_use]
pub fn ending(name: &str) -> String {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ending.to_lowercase()
}

/// Marks of writing direction, joiners, variation and byte order: none belongs into a name.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn shorten(name: &str) -> String {
    if name.chars().count() <= MAX_NAME {
        return name.to_owned();
    }
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let short = ending.chars().count() < 16;
    let ending = if short && !ending.is_empty() {
        format!(".{ending}")
    } else {
        String::new()
    };
    let room = MAX_NAME - 1 - ending.chars().count();
    let begin: String = name.chars().take(room).collect();
    format!("{begin}…{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_lead_into_a_folder() {
        assert_eq!(clean_name("../../etc/passwd"), "passwd");
        assert_eq!(clean_name(r"C:\值班\现场.jpg"), "现场.jpg");
        assert_eq!(clean_name("..."), NAMELESS);
        assert_eq!(clean_name(".htaccess"), "htaccess");
    }

    #[test]
    fn a_name_cannot_hide_its_ending_or_break_a_line() {
        assert_eq!(clean_name("照片\u{202e}gpj.exe"), "照片gpj.exe");
        assert_eq!(clean_name("a\u{200b}b\r\nc\0.pdf"), "ab  c.pdf");
        assert_eq!(clean_name("a\"b;c?.pdf "), "a_b;c_.pdf");
        assert_eq!(clean_name("报告.pdf. . "), "报告.pdf");
        assert_eq!(clean_name(" \u{feff} "), NAMELESS);
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let name = clean_name(&format!("{}.docx", "长".repeat(300)));
        assert_eq!(name.chars().count(), MAX_NAME);
        assert!(name.ends_with("….docx"));
        assert_eq!(ending(&name), "docx");
        assert_eq!(clean_name(&"长".repeat(300)).chars().count(), MAX_NAME);
    }

    #[test]
    fn cleaning_twice_changes_nothing_more() {
        for name in ["a/b\u{202e}c .jpg", "...x", "现场 1.JPG", &"x".repeat(999)] {
            let once = clean_name(name);
            assert_eq!(clean_name(&once), once);
        }
    }
}
