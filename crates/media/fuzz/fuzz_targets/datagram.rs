//! Datagrams between media engines.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use media::relay::wire::{datagram, parse_datagram};

fuzz_target!(|bytes: &[u8]| {
    if let Some((flow, packet)) = parse_datagram(&Bytes::copy_from_slice(bytes)) {
        let again = parse_datagram(&datagram(flow, &packet));
        assert_eq!(again, Some((flow, packet)));
    }
});
