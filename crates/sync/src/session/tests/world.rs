//! N sites with journals in memory, links as queues, and a clock that is advanced.

use super::*;
use crate::wire::Streams;
use std::collections::VecDeque;

const INSTITUTION: InstitutionId = InstitutionId([5; 16]);

pub(super) fn site(node: u8) -> SiteId {
    SiteId([node + 1; 8])
}

pub(super) fn journal(node: u8) -> JournalId {
    JournalId {
        site: site(node),
        incarnation: 1,
    }
}

pub(super) fn hello(node: u8) -> Hello {
    Hello {
        versions: vec![wire::PROTOCOL],
        institution: INSTITUTION,
        site: site(node),
        incarnation: 1,
        rules: 1,
        boot_number: 1,
        boot: [1; 4],
    }
}

pub(super) fn bundle(node: u8, seq: u64, prev: Hash, payload: &[u8]) -> Bundle {
    bundle_of(journal(node), seq, prev, payload)
}

fn bundle_of(journal: JournalId, seq: u64, prev: Hash, payload: &[u8]) -> Bundle {
    let header = Header {
        institution: INSTITUTION,
        prev,
        hlc: seq,
        payload_root: Hash(*blake3::hash(payload).as_bytes()),
        ..Header::blank(journal, seq)
    };
    // The model checks no signatures, so none is spent time on.
    Bundle {
        header: minicbor::to_vec(header).unwrap(),
        payload: payload.to_vec(),
        signature: SIGNED,
    }
}

/// Stands for a signature that holds.
pub(super) const SIGNED: [u8; 64] = [0; 64];

pub(super) struct Node {
    pub(super) journals: BTreeMap<JournalId, Vec<Bundle>>,
    pub(super) branches: Vec<Bundle>,
    /// How many more bundles of others fit.
    pub(super) room: usize,
    /// How many branch bundles fit.
    pub(super) branch_room: usize,
    pub(super) clock_ahead_ms: i64,
    pub(super) reach: Vec<Reached>,
    pub(super) offset_ms: Option<i64>,
    pub(super) faults: Vec<(FaultCode, JournalId, u64)>,
    pub(super) acks: BTreeMap<(SiteId, JournalId), u64>,
    /// Bundles that came before their predecessor.
    pub(super) gaps: usize,
    pub(super) duplicates: usize,
}

impl Node {
    fn head(&self, journal: JournalId) -> Option<Head> {
        let bundles = self.journals.get(&journal)?;
        let last = bundles.last()?;
        Some(Head {
            journal,
            seq: bundles.len() as u64,
            hash: last.hash(),
        })
    }

    pub(super) fn heads(&self) -> Vec<Head> {
        let of = |id: &JournalId| self.head(*id);
        self.journals.keys().filter_map(of).collect()
    }

    pub(super) fn admit(&mut self, bundles: Vec<Bundle>) -> Outcome {
        let mut outcome = Outcome::default();
        for bundle in bundles {
            let header = bundle.decode_header();
            let Some(header) = header.ok().filter(|_| bundle.signature == SIGNED) else {
                outcome.strangers += 1;
                continue;
            };
            let id = header.journal();
            let head = self.head(id);
            let held = self.journals.get(&id).map_or(&[][..], Vec::as_slice);
            let stored = usize::try_from(header.seq).ok();
            let stored = stored.and_then(|seq| seq.checked_sub(1));
            let stored = stored.and_then(|at| held.get(at)).map(Bundle::hash);
            match place(head.as_ref(), stored, &header, bundle.hash()) {
                Place::Next if self.room > 0 => {
                    self.room -= 1;
                    self.journals.entry(id).or_default().push(bundle);
                }
                Place::Next => outcome.lost = true,
                Place::Gap if self.branches.iter().any(|b| b.hash() == header.prev) => {
                    outcome.forks.push((id, header.seq));
                    self.put_aside(bundle);
                }
                Place::Gap => {
                    self.gaps += 1;
                    outcome.lost = true;
                }
                Place::Duplicate => self.duplicates += 1,
                Place::Fork => {
                    outcome.forks.push((id, header.seq));
                    self.put_aside(bundle);
                }
            }
        }
        outcome.heads = self.heads();
        outcome
    }
}

struct End {
    node: usize,
    session: Session,
    streams: Streams,
    /// Live and bulk, as on their streams.
    inbox: [VecDeque<Vec<u8>>; 2],
    bytes_sent: usize,
    batches_sent: usize,
    bundles_sent: usize,
    journals_sent: Vec<JournalId>,
    most_in_flight: usize,
    closed: Option<CloseReason>,
}

struct Link {
    ends: [End; 2],
    cut: bool,
}

pub(super) struct World {
    nodes: Vec<Node>,
    links: Vec<Link>,
    mono_ms: u64,
    pub(super) payload_len: usize,
}

impl World {
    pub(super) fn new(nodes: usize) -> Self {
        let node = || Node {
            journals: BTreeMap::new(),
            branches: Vec::new(),
            room: usize::MAX,
            branch_room: usize::MAX,
            clock_ahead_ms: 0,
            reach: Vec::new(),
            offset_ms: None,
            faults: Vec::new(),
            acks: BTreeMap::new(),
            gaps: 0,
            duplicates: 0,
        };
        Self {
            nodes: std::iter::repeat_with(node).take(nodes).collect(),
            links: Vec::new(),
            mono_ms: 1,
            payload_len: 400,
        }
    }

    pub(super) fn node(&self, node: usize) -> &Node {
        &self.nodes[node]
    }

    pub(super) fn node_mut(&mut self, node: usize) -> &mut Node {
        &mut self.nodes[node]
    }

    pub(super) fn faults(&self, node: usize) -> &[(FaultCode, JournalId, u64)] {
        &self.nodes[node].faults
    }

    /// Up to where `by` has acknowledged the journal of `node`.
    pub(super) fn acked(&self, node: usize, by: u8) -> u64 {
        let key = (site(by), journal(u8::try_from(node).unwrap()));
        self.nodes[node].acks.get(&key).copied().unwrap_or(0)
    }

    pub(super) fn bytes(&self, link: usize) -> usize {
        self.links[link].ends.iter().map(|end| end.bytes_sent).sum()
    }

    pub(super) fn bundles_sent(&self, link: usize, end: usize) -> usize {
        self.links[link].ends[end].bundles_sent
    }

    pub(super) fn batches_sent(&self, link: usize, end: usize) -> usize {
        self.links[link].ends[end].batches_sent
    }

    pub(super) fn journals_sent(&self, link: usize, end: usize) -> &[JournalId] {
        &self.links[link].ends[end].journals_sent
    }

    pub(super) fn most_in_flight(&self, link: usize, end: usize) -> usize {
        self.links[link].ends[end].most_in_flight
    }

    pub(super) fn progress(&self, link: usize, end: usize) -> Progress {
        self.links[link].ends[end].session.progress()
    }

    pub(super) fn is_quiet(&self, link: usize) -> bool {
        let ends = &self.links[link].ends;
        ends.iter().all(|end| end.session.is_quiet())
    }

    pub(super) fn closed(&self, link: usize, end: usize) -> Option<CloseReason> {
        self.links[link].ends[end].closed
    }

    pub(super) fn write(&mut self, node: usize, count: usize) {
        let id = journal(u8::try_from(node).unwrap());
        self.append(node, id, count);
    }

    pub(super) fn write_institution(&mut self, node: usize, count: usize) {
        self.append(node, JournalId::INSTITUTION, count);
    }

    fn append(&mut self, node: usize, id: JournalId, count: usize) {
        for _ in 0..count {
            let head = self.nodes[node].head(id);
            let (seq, prev) = head.map_or((0, Hash::default()), |head| (head.seq, head.hash));
            let payload = vec![0x5a; self.payload_len];
            let bundle = bundle_of(id, seq + 1, prev, &payload);
            let journals = &mut self.nodes[node].journals;
            journals.entry(id).or_default().push(bundle);
        }
        self.notify(node);
    }

    pub(super) fn give(&mut self, node: usize, bundles: Vec<Bundle>) {
        let outcome = self.nodes[node].admit(bundles);
        assert_eq!(outcome.forks, []);
    }

    /// Puts a node's own journal back to where it was at `seq`.
    pub(super) fn restore(&mut self, node: usize, seq: usize) {
        let id = journal(u8::try_from(node).unwrap());
        let bundles = self.nodes[node].journals.get_mut(&id).unwrap();
        bundles.truncate(seq);
    }

    pub(super) fn connect(&mut self, a: usize, b: usize) -> usize {
        self.connect_as(a, b, false)
    }

    /// Connects the hub with a campus that knows it is one.
    pub(super) fn connect_campus(&mut self, hub: usize, campus: usize) -> usize {
        self.connect_as(hub, campus, true)
    }

    fn connect_as(&mut self, a: usize, b: usize, campus: bool) -> usize {
        let link = self.links.len();
        let (first, first_effects) = self.end(a, b);
        let (mut second, second_effects) = self.end(b, a);
        if campus {
            second.session = second.session.with_hub();
        }
        self.links.push(Link {
            ends: [first, second],
            cut: false,
        });
        self.perform(link, 0, first_effects);
        self.perform(link, 1, second_effects);
        self.notify(a);
        self.notify(b);
        link
    }

    fn end(&self, node: usize, peer: usize) -> (End, Vec<Effect>) {
        let own = hello(u8::try_from(node).unwrap());
        let peer = site(u8::try_from(peer).unwrap());
        let heads = self.nodes[node].heads();
        let (session, effects) = Session::new(own, peer, &heads, Now::default());
        let end = End {
            node,
            session,
            streams: Streams::default(),
            inbox: Default::default(),
            bytes_sent: 0,
            batches_sent: 0,
            bundles_sent: 0,
            journals_sent: Vec::new(),
            most_in_flight: 0,
            closed: None,
        };
        (end, effects)
    }

    /// Puts a frame on the wire that no session sent.
    pub(super) fn inject(&mut self, link: usize, to: usize, frame: &Frame) {
        let bytes = wire::encode_frame(frame).unwrap();
        self.links[link].ends[to].inbox[frame.lane() as usize].push_back(bytes);
    }

    pub(super) fn cut_all(&mut self) {
        for link in &mut self.links {
            link.cut = true;
            for end in &mut link.ends {
                end.inbox = Default::default();
            }
        }
    }

    pub(super) fn advance(&mut self, ms: u64) {
        self.mono_ms += ms;
        for link in 0..self.links.len() {
            for end in 0..2 {
                self.event(link, end, Event::Tick);
            }
        }
    }

    pub(super) fn tell(&mut self, link: usize, end: usize, event: Event) {
        self.event(link, end, event);
    }

    /// Delivers until nothing is on its way; returns how many messages that were.
    pub(super) fn run(&mut self) -> usize {
        self.run_at_most(usize::MAX)
    }

    pub(super) fn run_at_most(&mut self, messages: usize) -> usize {
        let mut delivered = 0;
        while delivered < messages {
            // Bulk is as slow as can be.
            let next = (0..self.links.len())
                .flat_map(|link| [(link, 0), (link, 1)])
                .flat_map(|(link, end)| [(0, link, end), (1, link, end)])
                .filter(|(lane, link, end)| {
                    let link = &self.links[*link];
                    !link.cut && !link.ends[*end].inbox[*lane].is_empty()
                })
                .min_by_key(|(lane, ..)| *lane);
            let Some((lane, link, end)) = next else {
                break;
            };
            let inbox = &mut self.links[link].ends[end].inbox[lane];
            let bytes = inbox.pop_front().unwrap();
            let lane = [Lane::Live, Lane::Bulk][lane];
            let streams = &mut self.links[link].ends[end].streams;
            let frame = streams.decode(lane, &bytes[4..]).unwrap();
            self.event(link, end, Event::Received(frame));
            delivered += 1;
        }
        delivered
    }

    fn event(&mut self, link: usize, end: usize, event: Event) {
        if self.links[link].cut {
            return;
        }
        let node = self.links[link].ends[end].node;
        let now = Now {
            mono_ms: self.mono_ms,
            wall_ms: self.nodes[node].clock_ahead_ms + self.mono_ms.cast_signed(),
        };
        let effects = self.links[link].ends[end].session.handle(event, now);
        self.perform(link, end, effects);
    }

    fn perform(&mut self, link: usize, end: usize, effects: Vec<Effect>) {
        let node = self.links[link].ends[end].node;
        for effect in effects {
            match effect {
                Effect::Send(frame) => self.send(link, end, &frame),
                Effect::Read { from, max_bytes } => {
                    let tail = |place| self.tail(node, place, max_bytes);
                    let tails = from.into_iter().map(tail).collect();
                    self.event(link, end, Event::Bundles(tails));
                }
                Effect::Admit { lane, bundles, .. } => {
                    let held = |node: &Node| (node.heads(), node.branches.len());
                    let before = held(&self.nodes[node]);
                    let outcome = self.nodes[node].admit(bundles);
                    let moved = held(&self.nodes[node]) != before;
                    self.event(link, end, Event::Admitted(lane, outcome));
                    if moved {
                        self.notify(node);
                    }
                }
                Effect::Fork(work) => {
                    let before = self.nodes[node].branches.len();
                    let answer = self.nodes[node].branch_work(work);
                    self.event(link, end, Event::Fork(answer));
                    if self.nodes[node].branches.len() > before {
                        self.notify(node);
                    }
                }
                Effect::Acked(heads) => {
                    let peer = self.links[link].ends[1 - end].node;
                    let peer = site(u8::try_from(peer).unwrap());
                    for head in heads {
                        let acks = &mut self.nodes[node].acks;
                        acks.insert((peer, head.journal), head.seq);
                    }
                }
                Effect::Reach(sites) => self.nodes[node].reach = sites,
                Effect::Clock { offset_ms, .. } => self.nodes[node].offset_ms = Some(offset_ms),
                Effect::Fault { code, journal, seq } => {
                    self.nodes[node].faults.push((code, journal, seq));
                }
                Effect::Close(reason) => self.links[link].ends[end].closed = Some(reason),
                Effect::Up
                | Effect::Holds(_)
                | Effect::Addresses(_)
                | Effect::Copied { .. }
                | Effect::Scrub(_)
                | Effect::Scrubbed(_) => {}
            }
        }
    }

    fn tail(&self, node: usize, place: Position, max: usize) -> Vec<Bundle> {
        let bundles = self.nodes[node].journals.get(&place.journal);
        let after = usize::try_from(place.after).unwrap();
        let tail = bundles.and_then(|all| all.get(after..)).unwrap_or_default();
        let mut len = 0;
        let within = tail.iter().take_while(|bundle| {
            let first = len == 0;
            len += bundle.payload.len() + 200;
            first || len < max
        });
        within.cloned().collect()
    }

    fn send(&mut self, link: usize, end: usize, frame: &Frame) {
        let from = &mut self.links[link].ends[end];
        let bytes = from.streams.encode(frame).unwrap();
        from.bytes_sent += bytes.len();
        if let Frame::Bundles { runs, .. } = frame {
            from.batches_sent += 1;
            for run in runs {
                from.bundles_sent += run.bundles.len();
                if from.journals_sent.last() != Some(&run.journal) {
                    from.journals_sent.push(run.journal);
                }
            }
        }
        let in_flight = from.session.in_flight.of(Lane::Bulk).len();
        from.most_in_flight = from.most_in_flight.max(in_flight);
        self.links[link].ends[1 - end].inbox[frame.lane() as usize].push_back(bytes);
    }

    pub(super) fn notify(&mut self, node: usize) {
        let (heads, ends) = (self.nodes[node].heads(), self.nodes[node].ends());
        for link in 0..self.links.len() {
            for end in 0..2 {
                if self.links[link].ends[end].node == node {
                    self.event(link, end, Event::LocalHeads(heads.clone()));
                    self.event(link, end, Event::Fork(fork::Event::Ends(ends.clone())));
                }
            }
        }
    }

    pub(super) fn assert_equal(&self) {
        for node in &self.nodes[1..] {
            assert_eq!(node.heads(), self.nodes[0].heads());
        }
        for link in self.links.iter().filter(|link| !link.cut) {
            for end in &link.ends {
                assert_eq!(end.closed, None);
                assert!(end.session.is_quiet());
            }
        }
    }
}
