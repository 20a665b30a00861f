//! What a simulated camera sees: a fixed yard, a car that drives through it, and what the camera
//! burns in: its name, a clock, and the strip of 32 blocks a test reads the capture time from.
//!
//! Pure: the time comes in as milliseconds since the Unix epoch.

use super::font;
use openh264::formats::YUVSource;

/// Blocks of the clock strip; one bit each, most significant first.
pub const STRIP_BITS: usize = 32;

/// Brightness and the two colour differences (BT.601, limited range).
type Colour = (u8, u8, u8);

const WHITE: Colour = (235, 128, 128);
const BLACK: Colour = (16, 128, 128);
const SKY: Colour = (170, 150, 118);
const GROUND: Colour = (96, 124, 130);
const WALLS: [Colour; 4] = [
    (150, 118, 140),
    (168, 112, 136),
    (140, 128, 128),
    (128, 120, 152),
];
const HEDGE: Colour = (100, 108, 112);
const WINDOW: Colour = (60, 140, 120);
/// The car's parts, in units: from its tail, length, from the top of the picture, height.
const CAR: [(usize, usize, usize, usize, Colour); 5] = [
    (4, 13, 66, 5, WINDOW),
    (0, 24, 70, 7, (90, 100, 190)),
    (3, 4, 75, 4, BLACK),
    (16, 4, 75, 4, BLACK),
    (22, 2, 72, 2, (220, 60, 140)),
];

/// An I420 picture.
#[derive(Clone)]
pub struct Picture {
    width: usize,
    height: usize,
    y: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
}

impl YUVSource for Picture {
    fn dimensions(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    fn strides(&self) -> (usize, usize, usize) {
        (self.width, self.width / 2, self.width / 2)
    }

    fn y(&self) -> &[u8] {
        &self.y
    }

    fn u(&self) -> &[u8] {
        &self.u
    }

    fn v(&self) -> &[u8] {
        &self.v
    }
}

impl Picture {
    fn filled(width: usize, height: usize, colour: Colour) -> Self {
        Self {
            width,
            height,
            y: vec![colour.0; width * height],
            u: vec![colour.1; width * height / 4],
            v: vec![colour.2; width * height / 4],
        }
    }

    /// Fills a rectangle; even coordinates keep brightness and colour together. What lies outside
    /// the picture is cut off.
    fn fill(&mut self, x: usize, y: usize, width: usize, height: usize, colour: Colour) {
        let right = (x + width).min(self.width);
        let bottom = (y + height).min(self.height);
        if x >= right || y >= bottom {
            return;
        }
        for row in y..bottom {
            self.y[row * self.width + x..row * self.width + right].fill(colour.0);
        }
        let stride = self.width / 2;
        for row in y / 2..bottom / 2 {
            self.u[row * stride + x / 2..row * stride + right / 2].fill(colour.1);
            self.v[row * stride + x / 2..row * stride + right / 2].fill(colour.2);
        }
    }

    /// Writes white letters on a black box; `scale` is the size of a font pixel.
    fn write(&mut self, x: usize, y: usize, scale: usize, text: &str) {
        let advance = (font::WIDTH + 1) * scale;
        let width = text.chars().count() * advance;
        self.fill(x, y, width + 2 * scale, (font::HEIGHT + 2) * scale, BLACK);
        for (index, character) in text.chars().enumerate() {
            for (row, bits) in font::glyph(character).into_iter().enumerate() {
                for column in (0..font::WIDTH).filter(|c| bits >> (font::WIDTH - 1 - c) & 1 == 1) {
                    let left = x + scale + index * advance + column * scale;
                    self.fill(left, y + (row + 1) * scale, scale, scale, WHITE);
                }
            }
        }
    }
}

/// The fixed part of one camera's picture, ready to be copied for each frame.
pub struct Scene {
    background: Picture,
    leaves: Vec<u8>,
    unit: usize,
}

/// Fine grain without an end to its pattern, so that key frames are as large as a real camera's.
/// A multiplicative generator with a fixed start: the same picture every time.
fn grain() -> impl Iterator<Item = u8> {
    let steps = std::iter::successors(Some(0x2545_f491_u32), |x| {
        Some(x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223))
    });
    steps.map(|x| (x >> 24) as u8)
}

impl Scene {
    /// The scene of the camera called `name` (ASCII). Width a multiple of 64, height even.
    pub fn new(name: &str, width: usize, height: usize) -> Self {
        // 720 lines are 90 units of 8 pixels; every length below is in units, so that main and
        // sub stream show the same picture.
        let unit = (height / 90).max(2) & !1;
        let mut picture = Picture::filled(width, height, SKY);
        picture.fill(0, 50 * unit, width, height, GROUND);
        // Each camera has houses of its own height and colour, so that nobody mixes them up.
        let seed = name
            .bytes()
            .fold(0, |sum, byte| (sum * 31 + usize::from(byte)) % 9_973);
        for house in 0..4 {
            let left = (house * width / 4 + 3 * unit) & !1;
            let top = 20 + (seed + house * 5) % 13;
            let wall = WALLS[(seed + house / 2) % WALLS.len()];
            picture.fill(left, top * unit, 30 * unit, (66 - top) * unit, wall);
            for window in 0..9 {
                let x = left + (3 + window % 3 * 9) * unit;
                let y = (top + 4 + window / 3 * 9) * unit;
                picture.fill(x, y, 5 * unit, 6 * unit, WINDOW);
            }
        }
        picture.fill(34 * unit, 56 * unit, 20 * unit, 6 * unit, HEDGE);
        for (bright, grain) in picture.y.iter_mut().zip(grain()) {
            *bright = bright.wrapping_add(grain % 8);
        }
        picture.write(2 * unit, 10 * unit, ((unit / 2) & !1).max(2), name);
        let leaves = grain().map(|g| 80 + g % 40).take(width * 24).collect();
        Self {
            background: picture,
            leaves,
            unit,
        }
    }

    /// Hedges that never rest in the wind: they give the encoder work between key frames.
    fn sway(&self, picture: &mut Picture, epoch_ms: u64) {
        let width = 20 * self.unit;
        let mut shift = usize::try_from(epoch_ms / 40 % 997).expect("below 997");
        for row in 56 * self.unit..62 * self.unit {
            shift = (shift * 31 + 7) % 997;
            let from = shift * 8 % (self.leaves.len() - width);
            let at = row * picture.width + 34 * self.unit;
            picture.y[at..at + width].copy_from_slice(&self.leaves[from..from + width]);
        }
    }

    /// Height in pixels of the clock strip on a picture of this height: 64 at 720 lines.
    pub fn strip_height(height: usize) -> usize {
        height * 64 / 720
    }

    /// The picture taken at `epoch_ms`.
    pub fn at(&self, epoch_ms: u64) -> Picture {
        let mut picture = self.background.clone();
        self.sway(&mut picture, epoch_ms);
        let unit = self.unit;
        // The car crosses the picture in eight seconds.
        let way = usize::try_from(epoch_ms % 8_000).expect("below 8,000");
        let front = way * (picture.width + 24 * unit) / 8_000;
        for (from, length, top, height, colour) in CAR {
            let end = front.saturating_sub((24 - from - length) * unit);
            let start = front.saturating_sub((24 - from) * unit);
            picture.fill(
                start & !1,
                top * unit,
                (end - start) & !1,
                height * unit,
                colour,
            );
        }
        let scale = ((unit / 2) & !1).max(2);
        let bottom = (picture.height - (font::HEIGHT + 3) * scale) & !1;
        picture.write(2 * unit, bottom, scale, &clock_text(epoch_ms));
        let (block, height) = (
            picture.width / STRIP_BITS,
            Self::strip_height(picture.height),
        );
        for bit in 0..STRIP_BITS {
            let colour = if epoch_ms >> (STRIP_BITS - 1 - bit) & 1 == 1 {
                WHITE
            } else {
                BLACK
            };
            picture.fill(bit * block, 0, block, height, colour);
        }
        picture
    }
}

/// Reads the strip back: the low 32 bits of the capture time, from the brightness plane of a
/// decoded picture.
pub fn read_strip(y: &[u8], stride: usize, width: usize, height: usize) -> u32 {
    let (block, row) = (width / STRIP_BITS, Scene::strip_height(height) / 2);
    (0..STRIP_BITS).fold(0, |bits, bit| {
        let bright = y[row * stride + bit * block + block / 2] > 125;
        bits << 1 | u32::from(bright)
    })
}

/// The clock of the cameras: Beijing time, as the colleges of the seeds use it.
fn clock_text(epoch_ms: u64) -> String {
    const BEIJING_MS: u64 = 8 * 3_600_000;
    let local = i64::try_from(epoch_ms + BEIJING_MS)
        .ok()
        .and_then(chrono::DateTime::from_timestamp_millis);
    local.map_or_else(String::new, |t| {
        t.format("%Y-%m-%d %H:%M:%S%.3f").to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strip_says_the_capture_time_in_every_size() {
        for (width, height) in [(1280, 720), (1920, 1080), (640, 360)] {
            let scene = Scene::new("WEST YARD", width, height);
            for ms in [0, 1_700_000_000_123_u64, 0xffff_ffff, 0xa5a5_5a5a] {
                let picture = scene.at(ms);
                let read = read_strip(picture.y(), width, width, height);
                assert_eq!(u64::from(read), ms & 0xffff_ffff, "{width}x{height}");
            }
        }
    }

    #[test]
    fn the_clock_is_beijing_time_to_the_millisecond() {
        assert_eq!(clock_text(1_795_317_000_007), "2026-11-22 11:10:00.007");
    }

    #[test]
    fn two_moments_give_two_pictures() {
        let scene = Scene::new("EAST GATE", 1280, 720);
        let (a, b) = (scene.at(1_000), scene.at(1_066));
        assert!(
            a.y() != b.y() && a.v() != b.v(),
            "the car and the clock moved"
        );
    }
}
