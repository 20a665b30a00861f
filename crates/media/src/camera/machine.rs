//! When a camera stream is connected, given up and tried again. Pure.

use std::time::{Duration, Instant};

use crate::api::{Reason, SourceState};

/// A stream without viewers is kept this long, so that changing the page does not reconnect.
pub const LINGER: Duration = Duration::from_secs(5);
/// Longest wait between two attempts.
pub const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// Failed attempts in a row after which the camera is called unreachable.
const UNREACHABLE_AFTER: u32 = 3;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Somebody watches.
    Wanted,
    /// Nobody watches any more.
    Unwanted,
    /// The first picture of a connection arrived.
    Picture,
    /// The connection, or the attempt, ended.
    Failed(Reason),
    /// [`Machine::deadline`] has passed.
    Timer,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Open a session.
    Connect,
    /// End the session, if one is open.
    Disconnect,
    /// The state or its reason is another one now.
    Changed,
}

/// One stream of one camera.
#[derive(Debug)]
pub struct Machine {
    state: SourceState,
    reason: Option<Reason>,
    wanted: bool,
    open: bool,
    failures: u32,
    retry_at: Option<Instant>,
    stop_at: Option<Instant>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            state: SourceState::Idle,
            reason: None,
            wanted: false,
            open: false,
            failures: 0,
            retry_at: None,
            stop_at: None,
        }
    }
}

impl Machine {
    /// The state.
    pub fn state(&self) -> SourceState {
        self.state
    }

    /// Why it is not playing.
    pub fn reason(&self) -> Option<Reason> {
        self.reason
    }

    /// When [`Event::Timer`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.retry_at.into_iter().chain(self.stop_at).min()
    }

    /// Takes an event and says what to do.
    pub fn handle(&mut self, event: Event, now: Instant) -> Vec<Effect> {
        let before = (self.state, self.reason);
        let mut effects = Vec::new();
        match event {
            Event::Wanted => self.wanted(&mut effects),
            Event::Unwanted => self.unwanted(now),
            Event::Picture => {
                self.failures = 0;
                (self.state, self.reason) = (SourceState::Playing, None);
            }
            Event::Failed(reason) => self.failed(reason, now),
            Event::Timer => self.timer(now, &mut effects),
        }
        if (self.state, self.reason) != before {
            effects.push(Effect::Changed);
        }
        effects
    }

    fn wanted(&mut self, effects: &mut Vec<Effect>) {
        self.wanted = true;
        self.stop_at = None;
        if self.state == SourceState::Idle {
            self.state = SourceState::Connecting;
            self.open = true;
            effects.push(Effect::Connect);
        }
    }

    fn unwanted(&mut self, now: Instant) {
        self.wanted = false;
        if self.open {
            self.stop_at = Some(now + LINGER);
        } else {
            self.rest();
        }
    }

    fn failed(&mut self, reason: Reason, now: Instant) {
        if !self.open {
            return;
        }
        self.open = false;
        if !self.wanted {
            return self.rest();
        }
        self.failures = self.failures.saturating_add(1);
        self.reason = Some(reason);
        let refusal = matches!(
            reason,
            Reason::WrongCredentials
                | Reason::NotAllowedNetwork
                | Reason::CodecUnsupported
                | Reason::NoVideo
        );
        self.state = match refusal {
            true => SourceState::Refused,
            false if self.failures >= UNREACHABLE_AFTER => SourceState::Unreachable,
            false => SourceState::Retrying,
        };
        // Hammering a camera with a wrong password locks the account on many models.
        let wait = if refusal {
            LONGEST_BACKOFF
        } else {
            backoff(self.failures)
        };
        self.retry_at = Some(now + wait);
    }

    fn timer(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        if self.stop_at.is_some_and(|at| now >= at) {
            effects.push(Effect::Disconnect);
            self.rest();
        }
        if self.retry_at.is_some_and(|at| now >= at) {
            self.retry_at = None;
            self.open = true;
            effects.push(Effect::Connect);
        }
    }

    fn rest(&mut self) {
        *self = Self {
            wanted: self.wanted,
            ..Self::default()
        };
    }
}

/// 1, 2, 4, 8, 16, then 30 s.
fn backoff(failures: u32) -> Duration {
    let seconds = 1u64 << failures.saturating_sub(1).min(5);
    Duration::from_secs(seconds).min(LONGEST_BACKOFF)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "an arbitrary origin for relative times"
    )]
    fn origin() -> Instant {
        Instant::now()
    }

    #[test]
    fn the_first_viewer_starts_the_pull_and_the_second_does_not() {
        let (mut camera, now) = (Machine::default(), origin());
        assert_eq!(
            camera.handle(Event::Wanted, now),
            vec![Effect::Connect, Effect::Changed]
        );
        assert_eq!(camera.state(), SourceState::Connecting);
        assert_eq!(camera.handle(Event::Wanted, now), vec![]);
        assert_eq!(camera.handle(Event::Picture, now), vec![Effect::Changed]);
        assert_eq!(camera.state(), SourceState::Playing);
    }

    #[test]
    fn the_pull_ends_a_while_after_the_last_viewer() {
        let (mut camera, now) = (Machine::default(), origin());
        camera.handle(Event::Wanted, now);
        camera.handle(Event::Picture, now);
        assert_eq!(camera.handle(Event::Unwanted, now), vec![]);
        assert_eq!(camera.deadline(), Some(now + LINGER));
        let stopped = camera.handle(Event::Timer, now + LINGER);
        assert_eq!(stopped, vec![Effect::Disconnect, Effect::Changed]);
        assert_eq!(
            (camera.state(), camera.deadline()),
            (SourceState::Idle, None)
        );
    }

    #[test]
    fn a_viewer_who_comes_back_in_time_keeps_the_session() {
        let (mut camera, now) = (Machine::default(), origin());
        camera.handle(Event::Wanted, now);
        camera.handle(Event::Picture, now);
        camera.handle(Event::Unwanted, now);
        assert_eq!(camera.handle(Event::Wanted, now + LINGER / 2), vec![]);
        assert_eq!(camera.deadline(), None);
    }

    #[test]
    fn a_lost_camera_is_tried_again_with_growing_pauses_while_somebody_watches() {
        let (mut camera, mut now) = (Machine::default(), origin());
        camera.handle(Event::Wanted, now);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            camera.handle(Event::Failed(Reason::Timeout), now);
            let retry = camera.deadline().expect("a retry is planned");
            pauses.push((retry - now).as_secs());
            now = retry;
            assert_eq!(camera.handle(Event::Timer, now), vec![Effect::Connect]);
        }
        assert_eq!(pauses, vec![1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(camera.state(), SourceState::Unreachable);
        camera.handle(Event::Picture, now);
        camera.handle(Event::Failed(Reason::StreamEnded), now);
        assert_eq!(
            camera.state(),
            SourceState::Retrying,
            "a picture makes the count begin anew"
        );
        assert_eq!(camera.deadline(), Some(now + Duration::from_secs(1)));
    }

    #[test]
    fn a_wrong_password_is_not_hammered() {
        let (mut camera, now) = (Machine::default(), origin());
        camera.handle(Event::Wanted, now);
        camera.handle(Event::Failed(Reason::WrongCredentials), now);
        assert_eq!(camera.state(), SourceState::Refused);
        assert_eq!(camera.deadline(), Some(now + LONGEST_BACKOFF));
    }

    #[test]
    fn nothing_is_tried_once_nobody_watches() {
        let (mut camera, now) = (Machine::default(), origin());
        camera.handle(Event::Wanted, now);
        camera.handle(Event::Failed(Reason::Refused), now);
        assert_eq!(camera.handle(Event::Unwanted, now), vec![Effect::Changed]);
        assert_eq!(
            (camera.state(), camera.deadline()),
            (SourceState::Idle, None)
        );
    }

    proptest! {
        #[test]
        fn a_session_is_open_at_most_once_and_only_while_it_may_be(
            events in proptest::collection::vec((0u8..5, 0u64..40), 0..100)
        ) {
            let (mut camera, mut now, mut open, mut wanted) = (Machine::default(), origin(), false, false);
            for (event, wait) in events {
                now += Duration::from_secs(wait);
                let event = match event {
                    0 => Event::Wanted,
                    1 => Event::Unwanted,
                    2 if open => Event::Picture,
                    3 if open => Event::Failed(Reason::StreamEnded),
                    _ => Event::Timer,
                };
                wanted = match event { Event::Wanted => true, Event::Unwanted => false, _ => wanted };
                if matches!(event, Event::Failed(_)) { open = false; }
                for effect in camera.handle(event, now) {
                    match effect {
                        Effect::Connect => { prop_assert!(!open && wanted); open = true; }
                        Effect::Disconnect => { prop_assert!(!wanted); open = false; }
                        Effect::Changed => {}
                    }
                }
                prop_assert!(!wanted || open || camera.deadline().is_some(), "somebody watches and nothing happens");
            }
        }
    }
}
