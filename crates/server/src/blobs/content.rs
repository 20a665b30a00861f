//! What a file is, by its content: names and declared types are never believed.
//!
//! Taken are pictures, recordings, videos and office papers, since that is what duty rooms attach
//! (requirements.md sections A and H). Pages and drawings that a browser would run (HTML, SVG),
//! programs, archives and papers with macros are refused.
//!
//! To take another type: a line in [`TYPES`], with how `infer` calls it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// One type that is taken.
#[derive(Debug, PartialEq, Eq)]
pub struct ContentType {
    /// What browsers are told.
    pub mime: &'static str,
    /// Whether a browser may show it in place; all else is saved.
    pub inline: bool,
    /// Endings a name of it may have; the first is put to names with another one.
    pub endings: &'static [&'static str],
    /// How `infer` calls it; "" for those found by looking further.
    found_as: &'static [&'static str],
}

const fn ty(
    mime: &'static str,
    inline: bool,
    endings: &'static [&'static str],
    found_as: &'static [&'static str],
) -> ContentType {
    ContentType {
        mime,
        inline,
        endings,
        found_as,
    }
}

static TEXT: ContentType = ty("text/plain", false, &["txt", "csv", "log", "md"], &[]);
/// Word, Excel, PowerPoint and WPS up to 2003: one container for all, told apart by the name.
static OLE: ContentType = ty(
    "application/x-ole-storage",
    false,
    &["doc", "xls", "ppt", "wps", "et", "dps"],
    &[],
);

static TYPES: &[ContentType] = &[
    ty("image/jpeg", true, &["jpg", "jpeg"], &["image/jpeg"]),
    ty("image/png", true, &["png"], &["image/png"]),
    ty("image/webp", true, &["webp"], &["image/webp"]),
    ty("image/gif", true, &["gif"], &["image/gif"]),
    ty(
        "image/heic",
        false,
        &["heic", "heif"],
        &["image/heif", "image/heic"],
    ),
    ty("application/pdf", false, &["pdf"], &["application/pdf"]),
    ty(
        "video/mp4",
        false,
        &["mp4", "m4v"],
        &["video/mp4", "video/x-m4v"],
    ),
    ty("video/quicktime", false, &["mov"], &["video/quicktime"]),
    ty("video/3gpp", false, &["3gp"], &["video/3gpp"]),
    ty("audio/mpeg", false, &["mp3"], &["audio/mpeg"]),
    ty("audio/mp4", false, &["m4a"], &["audio/m4a", "audio/mp4"]),
    ty("audio/amr", false, &["amr"], &["audio/amr"]),
    ty("audio/wav", false, &["wav"], &["audio/x-wav", "audio/wav"]),
];

/// Papers inside a zip archive, by a file that each must have in it.
static ZIPPED: &[(&[u8], ContentType)] = &[
    (
        b"word/document.xml",
        ty(
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            false,
            &["docx"],
            &[],
        ),
    ),
    (
        b"xl/workbook.xml",
        ty(
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            false,
            &["xlsx"],
            &[],
        ),
    ),
    (
        b"ppt/presentation.xml",
        ty(
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            false,
            &["pptx"],
            &[],
        ),
    ),
    // 版式文件, GB/T 33190.
    (b"OFD.xml", ty("application/ofd", false, &["ofd"], &[])),
];

/// Bytes looked at from the beginning.
pub const HEAD_LEN: usize = 8 * 1024;
/// Bytes looked at from the end: there a zip archive lists what is in it.
pub const TAIL_LEN: usize = 64 * 1024;

/// Endings of all that is taken, as `accept` of a file input has them.
#[must_use]
pub fn endings() -> Vec<&'static str> {
    let types = TYPES.iter().chain([&OLE, &TEXT]);
    let types = types.chain(ZIPPED.iter().map(|(_, ty)| ty));
    types.flat_map(|ty| ty.endings.iter().copied()).collect()
}

/// The beginning and the end of what comes by.
#[derive(Debug, Default)]
pub struct Sniff {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Sniff {
    /// The next bytes.
    pub fn see(&mut self, bytes: &[u8]) {
        let room = HEAD_LEN - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let last = &bytes[bytes.len().saturating_sub(TAIL_LEN)..];
        self.tail.extend_from_slice(last);
        // Trimmed now and then, not at each call.
        if self.tail.len() > 4 * TAIL_LEN {
            self.tail.drain(..self.tail.len() - TAIL_LEN);
        }
    }

    /// Whether the beginning is all here and is of nothing that is taken, whatever follows.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        self.head.len() == HEAD_LEN && of(&self.head, b"").is_none() && !is_zip(&self.head)
    }

    /// What it is; `None` for what is not taken.
    #[must_use]
    pub fn content_type(&self) -> Option<&'static ContentType> {
        of(
            &self.head,
            &self.tail[self.tail.len().saturating_sub(TAIL_LEN)..],
        )
    }
}

/// What a file of `size` bytes is; `None` for what is not taken.
///
/// # Errors
/// When the file cannot be read.
pub fn of_file(file: &File, size: u64) -> io::Result<Option<&'static ContentType>> {
    let len = usize::try_from(size).unwrap_or(usize::MAX);
    let mut head = vec![0; len.min(HEAD_LEN)];
    file.read_exact_at(&mut head, 0)?;
    let mut tail = vec![0; len.min(TAIL_LEN)];
    let at = size - tail.len() as u64;
    file.read_exact_at(&mut tail, at)?;
    Ok(of(&head, &tail))
}

fn of(head: &[u8], tail: &[u8]) -> Option<&'static ContentType> {
    if is_zip(head) {
        return of_zip(tail);
    }
    if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Some(&OLE);
    }
    let Some(found) = infer::get(head) else {
        return is_text(head).then_some(&TEXT);
    };
    let found = found.mime_type();
    let mut known = TYPES.iter();
    known.find(|known| known.found_as.contains(&found))
}

fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04")
}

/// Names in the archive's directory stand there as they are.
fn of_zip(directory: &[u8]) -> Option<&'static ContentType> {
    let has = |name: &[u8]| directory.windows(name.len()).any(|part| part == name);
    if has(b"vbaProject.bin") {
        return None;
    }
    let found = ZIPPED.iter().find(|(name, _)| has(name));
    found.map(|(_, ty)| ty)
}

/// Lines of text in UTF-8 or GB 18030: no control characters, and not the beginning of a page.
fn is_text(head: &[u8]) -> bool {
    let printable = |byte: &u8| *byte >= b' ' && *byte != 0x7f || b"\t\r\n".contains(byte);
    let body = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start();
    let script = body.starts_with(b"<") || body.starts_with(b"#!");
    !body.is_empty() && !script && body.iter().all(printable)
}

impl ContentType {
    /// The name with an ending that fits; `None` where only the name could tell what it is.
    #[must_use]
    pub fn fit_name(&self, name: &str) -> Option<String> {
        let ending = rules::attachment::ending(name);
        if self.endings.contains(&ending.as_str()) {
            return Some(name.to_owned());
        }
        if self.mime == OLE.mime {
            return None;
        }
        let fitting = format!("{name}.{}", self.endings[0]);
        Some(rules::attachment::clean_name(&fitting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01";

    fn sniff(bytes: &[u8]) -> Option<&'static str> {
        let mut sniff = Sniff::default();
        bytes.chunks(1_000).for_each(|part| sniff.see(part));
        sniff.content_type().map(|ty| ty.mime)
    }

    fn zip_with(name: &str) -> Vec<u8> {
        let mut zip = b"PK\x03\x04".to_vec();
        zip.extend(vec![7; 300_000]);
        zip.extend(b"PK\x01\x02");
        zip.extend(name.as_bytes());
        zip
    }

    #[test]
    fn what_duty_rooms_attach_is_taken() {
        assert_eq!(sniff(JPEG), Some("image/jpeg"));
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Some("image/png"));
        assert_eq!(sniff(b"%PDF-1.7\n"), Some("application/pdf"));
        assert_eq!(sniff("值班安排，张老师".as_bytes()), Some("text/plain"));
        assert_eq!(sniff(b"\xd6\xb5\xb0\xe0 GB18030\r\n"), Some("text/plain"));
        let word = sniff(&zip_with("word/document.xml"));
        assert!(word.is_some_and(|mime| mime.ends_with("wordprocessingml.document")));
        assert_eq!(sniff(&zip_with("OFD.xml")), Some("application/ofd"));
        let old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0\0\0\0\0";
        assert_eq!(sniff(old), Some(OLE.mime));
        assert_eq!(
            sniff(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"),
            Some("video/mp4")
        );
    }

    #[test]
    fn pages_programs_archives_and_macros_are_refused() {
        let refused: [&[u8]; 7] = [
            b"<!DOCTYPE html><script>alert(1)</script>",
            b"  \n<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"<?xml version='1.0'?><a/>",
            b"#!/bin/sh\nrm",
            b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0",
            b"\x7fELF\x02\x01\x01\0",
            b"Rar!\x1a\x07\0",
        ];
        for bytes in refused {
            assert_eq!(sniff(bytes), None, "{:?}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(sniff(&zip_with("setup.exe")), None);
        assert_eq!(
            sniff(&zip_with("word/document.xml word/vbaProject.bin")),
            None
        );
    }

    #[test]
    fn a_hopeless_beginning_is_known_before_the_end() {
        let mut sniff = Sniff::default();
        sniff.see(b"MZ\x90\0");
        assert!(!sniff.is_hopeless());
        sniff.see(&[0; HEAD_LEN]);
        assert!(sniff.is_hopeless());
        let mut zip = Sniff::default();
        zip.see(&zip_with("xl/workbook.xml")[..HEAD_LEN]);
        assert!(!zip.is_hopeless());
    }

    #[test]
    fn a_name_gets_the_ending_of_its_content() {
        let jpeg = of(JPEG, b"").expect("a picture");
        assert_eq!(jpeg.fit_name("现场.JPG").as_deref(), Some("现场.JPG"));
        assert_eq!(jpeg.fit_name("run.exe").as_deref(), Some("run.exe.jpg"));
        assert_eq!(OLE.fit_name("通知.doc").as_deref(), Some("通知.doc"));
        assert_eq!(OLE.fit_name("setup.msi"), None);
    }
}
