//! What a browser or another program offers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use media::sdp::Offer;

fuzz_target!(|text: &str| {
    let _ = Offer::parse(text);
});
