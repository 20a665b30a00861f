//! Random values of sessions and peers, drawn in one place.

use rand::Rng;
use rand::distr::Alphanumeric;
use rand::rngs::ThreadRng;

use crate::api::SessionId;
use crate::peer::Seed;

#[expect(
    clippy::disallowed_methods,
    reason = "session names and ICE secrets must be unguessable"
)]
fn source() -> ThreadRng {
    rand::rng()
}

/// A session's name; whoever knows it may end the session, so it is unguessable.
pub(super) fn session() -> SessionId {
    source().random()
}

/// A peer's secrets. The ufrag begins with the worker's number, so that any socket could tell
/// where a check belongs.
pub(super) fn seed(worker: usize) -> Seed {
    Seed {
        ufrag: format!("{worker:x}{}", letters(15)),
        password: letters(32),
        ssrc: source().random_range(1..u32::MAX - 16),
        sequence: source().random(),
        timestamp: source().random(),
    }
}

fn letters(count: usize) -> String {
    source()
        .sample_iter(Alphanumeric)
        .take(count)
        .map(char::from)
        .collect()
}
