//! The disk under a simulated site: what of its data directory is left after a kill, and what
//! after a power failure.
//!
//! The store runs as in the product, `synchronous=FULL` on SQLite's write-ahead log. At a crash
//! the files are copied as they lie at that very write point. A killed process loses nothing it
//! had written. A power failure loses, shortens or garbles, sector by sector, what had not been
//! synced: the frames of the one commit that was under way, and the pages that a checkpoint was
//! copying out of the log, which stay in the log until they are synced.

use super::faults::Fault;
use anyhow::{Context as _, Result};
use rand::Rng as _;
use rand::rngs::StdRng;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const DATABASE: &str = "dutyroom.db";
const LOG: &str = "dutyroom.db-wal";
/// Rebuilt by whoever opens the database; and the lock.
const NOT_KEPT: [&str; 2] = ["dutyroom.db-shm", "lock"];

const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const SECTOR: usize = 512;

/// Every file of a data directory at one moment.
#[derive(Debug, Clone, Default)]
pub struct Image(BTreeMap<PathBuf, Vec<u8>>);

impl Image {
    /// Copies a data directory as it lies.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(dir: &Path) -> Result<Self> {
        let mut image = Self::default();
        image.take(dir, Path::new(""))?;
        Ok(image)
    }

    fn take(&mut self, dir: &Path, below: &Path) -> Result<()> {
        for entry in std::fs::read_dir(dir.join(below))? {
            let entry = entry?;
            let name = below.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                self.take(dir, &name)?;
            } else if !NOT_KEPT.iter().any(|not| Path::new(not) == name) {
                let bytes = std::fs::read(entry.path())?;
                self.0.insert(name, bytes);
            }
        }
        Ok(())
    }

    /// Writes it to a directory that is made for it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        std::fs::create_dir_all(dir)?;
        for (name, bytes) in &self.0 {
            let path = dir.join(name);
            let folder = path.parent().context("a file lies in a folder")?;
            std::fs::create_dir_all(folder)?;
            std::fs::write(path, bytes)?;
        }
        Ok(())
    }

    fn log(&self) -> &[u8] {
        self.0.get(Path::new(LOG)).map_or(&[], Vec::as_slice)
    }

    /// The power fails. What follows `synced` in the log was on its way and nobody had been
    /// answered; `None` says that everything committed had been synced.
    pub fn lose_power(&mut self, rng: &mut StdRng, synced: Option<Mark>) -> Vec<Fault> {
        let mut faults = vec![Fault::PowerLoss];
        let layout = Layout::of(self.log());
        let now = layout.mark();
        let synced = match synced {
            None => now.end,
            Some(before) if before.round == now.round => before.end,
            // A new round began with this very commit: the old one is in the database.
            Some(_) => 0,
        };
        let committing = synced < now.end;
        if let Some(log) = self.0.get_mut(Path::new(LOG))
            && log.len() > synced
            && tear_tail(rng, log, synced)
            && committing
        {
            faults.push(Fault::TornCommit);
        }
        // The log's own header belongs to a commit under way: then nothing is checkpointed.
        if synced > 0 && rng.random_range(0..2) == 0 {
            let pages = layout.pages(synced);
            if let Some(database) = self.0.get_mut(Path::new(DATABASE))
                && tear_pages(rng, database, &pages, layout.page_len)
            {
                faults.push(Fault::TornPage);
            }
        }
        faults
    }

    /// Flips one bit in every copy of `bytes`; how many there were.
    pub fn rot(&mut self, bytes: &[u8], bit: usize) -> usize {
        let mut found = 0;
        for file in self.0.values_mut() {
            let mut from = 0;
            while let Some(at) = position(&file[from..], bytes) {
                file[from + at + bit / 8 % bytes.len()] ^= 1 << (bit % 8);
                from += at + bytes.len();
                found += 1;
            }
        }
        found
    }
}

fn position(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len())
        .position(|window| window == needle)
}

/// Brings the log of a data directory that nobody uses into its database.
///
/// # Errors
/// When the database does not open.
pub async fn empty_log(dir: &Path) -> Result<()> {
    let options = SqliteConnectOptions::new().filename(dir.join(DATABASE));
    let mut database = options.connect().await?;
    sqlx::query("pragma wal_checkpoint(truncate)")
        .execute(&mut database)
        .await?;
    database.close().await?;
    Ok(())
}

/// How far a log is on the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    /// Changes whenever the log begins anew.
    round: [u8; 8],
    /// Offset after the last commit.
    end: usize,
}

impl Mark {
    /// The log of a data directory now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(dir: &Path) -> Result<Self> {
        let log = dir.join(LOG);
        let log = if log.exists() {
            std::fs::read(log)?
        } else {
            Vec::new()
        };
        Ok(Layout::of(&log).mark())
    }
}

/// Where the commits of a write-ahead log end (<https://www.sqlite.org/fileformat2.html>, 4.1).
struct Layout {
    round: [u8; 8],
    page_len: usize,
    /// Page number of each frame of the log's present round.
    frames: Vec<u32>,
    /// Offset after the last commit's last frame.
    end: usize,
}

impl Layout {
    fn of(log: &[u8]) -> Self {
        let mut layout = Self {
            round: [0; 8],
            page_len: word(log, 8) as usize,
            frames: Vec::new(),
            end: 0,
        };
        if log.len() < LOG_HEADER || layout.page_len == 0 {
            return layout;
        }
        layout.round.copy_from_slice(&log[16..24]);
        let mut at = LOG_HEADER;
        while at + FRAME_HEADER + layout.page_len <= log.len()
            && log[at + 8..at + 16] == layout.round
        {
            layout.frames.push(word(log, at));
            let ends_commit = word(log, at + 4) != 0;
            at += FRAME_HEADER + layout.page_len;
            if ends_commit {
                layout.end = at;
            }
        }
        layout
    }

    fn mark(&self) -> Mark {
        Mark {
            round: self.round,
            end: self.end,
        }
    }

    /// The pages that lie in the log before `synced`.
    fn pages(&self, synced: usize) -> Vec<u32> {
        let frames = synced.saturating_sub(LOG_HEADER) / (FRAME_HEADER + self.page_len);
        self.frames[..frames].to_vec()
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..at + 4)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u32::from_be_bytes)
}

/// Cuts the file off, or keeps, empties or garbles each sector. Whether anything was harmed.
fn tear_tail(rng: &mut StdRng, file: &mut Vec<u8>, from: usize) -> bool {
    match rng.random_range(0..4) {
        0 => false,
        1 => {
            file.truncate(rng.random_range(from..file.len()));
            true
        }
        _ => {
            let mut harmed = false;
            for sector in file[from..].chunks_mut(SECTOR) {
                match rng.random_range(0..6) {
                    0 => sector.fill(0),
                    1 => rng.fill(&mut sector[..]),
                    _ => continue,
                }
                harmed = true;
            }
            harmed
        }
    }
}

/// Garbles sectors of some of the pages. Whether anything was harmed.
fn tear_pages(rng: &mut StdRng, database: &mut [u8], pages: &[u32], page_len: usize) -> bool {
    let mut harmed = false;
    for page in pages {
        let begin = (*page as usize).saturating_sub(1) * page_len;
        let Some(page) = database.get_mut(begin..begin + page_len) else {
            continue;
        };
        if rng.random_range(0..4) == 0 {
            let sectors = page.len() / SECTOR;
            let sector = rng.random_range(0..sectors) * SECTOR;
            rng.fill(&mut page[sector..sector + SECTOR]);
            harmed = true;
        }
    }
    harmed
}
