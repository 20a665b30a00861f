//! The subscriptions of one link, in both directions. Pure: messages and wishes in, messages and
//! orders out.

use std::collections::BTreeMap;

use super::wire::{Accepted, Key, MAX_NAME, MAX_NAMES, Message, Named, State, Subscribe};
use crate::api::{Layer, MAX_SOURCES_PER_LINK, Reason, SourceState};
use crate::frame::{Codec, Kind};

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send this to the other site.
    Send(Message),
    /// The other site asks; answer with [`Link::accept`] or [`Link::refuse`].
    Asked {
        /// Names the subscription.
        request: u32,
        /// What it asks for.
        key: Key,
        /// Who watches there.
        viewers: Vec<String>,
    },
    /// Other people watch there now.
    Renamed {
        /// The subscription.
        request: u32,
        /// Who watches.
        viewers: Vec<String>,
    },
    /// The other site no longer wants it.
    Released {
        /// The subscription.
        request: u32,
    },
    /// The other site needs a key frame.
    KeyWanted {
        /// The subscription.
        request: u32,
    },
    /// What we asked for is coming.
    Opened {
        /// The source.
        key: Key,
        /// Codec of its pictures.
        video: Option<Codec>,
        /// Codec of its sound.
        audio: Option<Codec>,
    },
    /// What we asked for is not given.
    Refused {
        /// The source.
        key: Key,
        /// Why.
        reason: Reason,
    },
    /// A source we watch changed its state.
    State {
        /// The source.
        key: Key,
        /// The state.
        state: SourceState,
        /// Why it is not playing.
        reason: Option<Reason>,
    },
}

#[derive(Debug)]
struct Wanted {
    key: Key,
    flow: Option<u64>,
}

/// The subscriptions of one link.
#[derive(Debug, Default)]
pub struct Link {
    /// Ours, by request.
    wanted: BTreeMap<u32, Wanted>,
    next_request: u32,
    /// Theirs: request to flow, none until answered.
    given: BTreeMap<u32, Option<u64>>,
    next_flow: u64,
}

impl Link {
    /// We want a source, or other people watch it now.
    pub fn want(&mut self, key: Key, viewers: &[String]) -> Vec<Effect> {
        let known = self.request_of(&key);
        if known.is_none() && self.wanted.len() >= MAX_SOURCES_PER_LINK {
            return vec![Effect::Refused {
                key,
                reason: Reason::NotAdmitted,
            }];
        }
        let request = known.unwrap_or_else(|| {
            self.next_request = self.next_request.wrapping_add(1);
            self.wanted
                .insert(self.next_request, Wanted { key, flow: None });
            self.next_request
        });
        let fits = viewers
            .iter()
            .filter(|name| name.len() <= MAX_NAME)
            .take(MAX_NAMES);
        vec![Effect::Send(Message::Subscribe(Subscribe {
            request,
            owner: key.owner,
            source: key.source,
            sub: key.layer == Layer::Sub,
            viewers: fits.cloned().collect(),
        }))]
    }

    /// We want it no longer.
    pub fn release(&mut self, key: &Key) -> Vec<Effect> {
        let Some(request) = self.request_of(key) else {
            return Vec::new();
        };
        self.wanted.remove(&request);
        vec![Effect::Send(Message::Unsubscribe(Named { request }))]
    }

    /// We need a key frame of it.
    pub fn need_key(&self, key: &Key) -> Vec<Effect> {
        let request = self.request_of(key);
        request
            .map(|request| Effect::Send(Message::KeyFrame(Named { request })))
            .into_iter()
            .collect()
    }

    /// Grants what was asked; gives back the flow of the pictures too.
    pub fn accept(
        &mut self,
        request: u32,
        video: Option<Codec>,
        audio: Option<Codec>,
    ) -> Option<(u64, Message)> {
        let slot = self.given.get_mut(&request)?;
        let flow = self.next_flow;
        self.next_flow += 2;
        *slot = Some(flow);
        let name = |codec: Option<Codec>| codec.map(|codec| codec.name().to_owned());
        let (video, audio) = (name(video), name(audio));
        Some((
            flow,
            Message::Accepted(Accepted {
                request,
                flow,
                video,
                audio,
            }),
        ))
    }

    /// Refuses what was asked.
    pub fn refuse(&mut self, request: u32, reason: Reason) -> Message {
        self.given.remove(&request);
        Message::Refused(State {
            request,
            state: SourceState::Refused.code().to_owned(),
            reason: Some(reason.code().to_owned()),
        })
    }

    /// Whose packets a flow carries.
    pub fn source_of(&self, flow: u64) -> Option<(Key, Kind)> {
        let kind = if flow.is_multiple_of(2) {
            Kind::Video
        } else {
            Kind::Audio
        };
        let wanted = self
            .wanted
            .values()
            .find(|wanted| wanted.flow == Some(flow & !1))?;
        Some((wanted.key, kind))
    }

    /// Takes a message of the other site. One that makes no sense here does nothing.
    pub fn message(&mut self, message: Message) -> Vec<Effect> {
        let effect = match message {
            Message::Subscribe(subscribe) => Some(self.subscribe(subscribe)),
            Message::Unsubscribe(Named { request }) => self
                .given
                .remove(&request)
                .map(|_| Effect::Released { request }),
            Message::KeyFrame(Named { request }) => self
                .given
                .contains_key(&request)
                .then_some(Effect::KeyWanted { request }),
            Message::Accepted(accepted) => self.wanted.get_mut(&accepted.request).map(|wanted| {
                wanted.flow = Some(accepted.flow & !1);
                let codec = |name: Option<String>| name.and_then(|name| Codec::from_name(&name));
                let (video, audio) = (codec(accepted.video), codec(accepted.audio));
                Effect::Opened {
                    key: wanted.key,
                    video,
                    audio,
                }
            }),
            Message::Refused(state) => self.wanted.remove(&state.request).map(|wanted| {
                let reason = state.reason.and_then(|code| Reason::from_code(&code));
                Effect::Refused {
                    key: wanted.key,
                    reason: reason.unwrap_or(Reason::Refused),
                }
            }),
            Message::State(state) => self.wanted.get(&state.request).and_then(|wanted| {
                let reason = state.reason.and_then(|code| Reason::from_code(&code));
                let state = SourceState::from_code(&state.state)?;
                Some(Effect::State {
                    key: wanted.key,
                    state,
                    reason,
                })
            }),
            // Carries media, no decision.
            Message::Packets(_) => None,
        };
        effect.into_iter().collect()
    }

    fn subscribe(&mut self, subscribe: Subscribe) -> Effect {
        let (request, key) = (subscribe.request, subscribe.key());
        let viewers = subscribe.viewers;
        if self.given.contains_key(&request) {
            return Effect::Renamed { request, viewers };
        }
        if self.given.len() >= MAX_SOURCES_PER_LINK {
            return Effect::Send(self.refuse(request, Reason::NotAdmitted));
        }
        self.given.insert(request, None);
        Effect::Asked {
            request,
            key,
            viewers,
        }
    }

    fn request_of(&self, key: &Key) -> Option<u32> {
        self.wanted
            .iter()
            .find(|(_, wanted)| wanted.key == *key)
            .map(|(request, _)| *request)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(number: u8) -> Key {
        Key {
            owner: [1; 8],
            source: [number; 16],
            layer: Layer::Main,
        }
    }

    fn sent(effects: Vec<Effect>) -> Message {
        match effects.into_iter().next() {
            Some(Effect::Send(message)) => message,
            other => panic!("expected a message, not {other:?}"),
        }
    }

    #[test]
    fn a_subscription_is_asked_granted_renamed_and_given_back() {
        let (mut here, mut owner) = (Link::default(), Link::default());
        let ask = sent(here.want(key(5), &["li".to_owned()]));
        let asked = owner.message(ask);
        assert_eq!(
            asked,
            vec![Effect::Asked {
                request: 1,
                key: key(5),
                viewers: vec!["li".to_owned()]
            }]
        );
        let (flow, granted) = owner.accept(1, Some(Codec::H264), None).expect("asked for");
        let opened = here.message(granted);
        assert_eq!(
            opened,
            vec![Effect::Opened {
                key: key(5),
                video: Some(Codec::H264),
                audio: None
            }]
        );
        assert_eq!(here.source_of(flow), Some((key(5), Kind::Video)));
        assert_eq!(here.source_of(flow + 1), Some((key(5), Kind::Audio)));
        assert_eq!(here.source_of(flow + 2), None);

        let rename = sent(here.want(key(5), &["li".to_owned(), "wang".to_owned()]));
        assert!(
            matches!(&owner.message(rename)[..], [Effect::Renamed { request: 1, viewers }] if viewers.len() == 2)
        );
        let done = sent(here.release(&key(5)));
        assert_eq!(owner.message(done), vec![Effect::Released { request: 1 }]);
        assert_eq!(here.source_of(flow), None);
    }

    #[test]
    fn a_refusal_says_why_and_ends_the_subscription() {
        let (mut here, mut owner) = (Link::default(), Link::default());
        owner.message(sent(here.want(key(5), &[])));
        let no = owner.refuse(1, Reason::NotAdmitted);
        assert_eq!(
            here.message(no),
            vec![Effect::Refused {
                key: key(5),
                reason: Reason::NotAdmitted
            }]
        );
        assert!(here.need_key(&key(5)).is_empty());
    }

    #[test]
    fn a_link_carries_at_most_so_many_sources() {
        let (mut here, mut owner) = (Link::default(), Link::default());
        for number in 0..u8::try_from(MAX_SOURCES_PER_LINK).expect("small") {
            owner.message(sent(here.want(key(number), &[])));
        }
        let refused = Effect::Refused {
            key: key(200),
            reason: Reason::NotAdmitted,
        };
        assert_eq!(here.want(key(200), &[]), vec![refused]);
        let beyond = Subscribe {
            request: 999,
            owner: [1; 8],
            source: [0; 16],
            sub: false,
            viewers: vec![],
        };
        assert!(matches!(
            sent(owner.message(Message::Subscribe(beyond))),
            Message::Refused(_)
        ));
    }

    proptest! {
        #[test]
        fn a_hostile_site_stays_within_bounds(messages in proptest::collection::vec((0u8..7, 0u32..200, any::<u64>()), 0..300)) {
            let mut link = Link::default();
            link.want(key(1), &[]);
            for (kind, request, flow) in messages {
                let state = || State { request, state: "playing".into(), reason: Some("nonsense".into()) };
                link.message(match kind {
                    0 => Message::Subscribe(Subscribe { request, owner: [2; 8], source: [9; 16], sub: true, viewers: vec![] }),
                    1 => Message::Unsubscribe(Named { request }),
                    2 => Message::Accepted(Accepted { request, flow, video: Some("VP8".into()), audio: None }),
                    3 => Message::Refused(state()),
                    4 => Message::KeyFrame(Named { request }),
                    5 => Message::State(state()),
                    _ => Message::Packets(super::super::wire::Packets { flow, catch_up: false, packets: vec![] }),
                });
                prop_assert!(link.given.len() <= MAX_SOURCES_PER_LINK && link.wanted.len() <= 1);
            }
        }
    }
}
