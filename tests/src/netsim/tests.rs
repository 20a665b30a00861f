//! The model in virtual time, and one packet for real.

use super::line::{HEADERS_LEN, Line};
use super::shape::{Burst, Queue, Reorder};
use super::*;
use std::net::UdpSocket;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

fn shape(words: &str) -> Shape {
    words.parse().unwrap()
}

/// Offers one packet each `every` and returns which came out when.
fn passed(line: &mut Line<u32>, count: u32, every: Duration, len: usize) -> Vec<(u32, Duration)> {
    for number in 0..count {
        line.offer(every * number, len, number);
    }
    let mut out = Vec::new();
    while let Some(at) = line.next_due() {
        let (due, number) = line.due(at).unwrap();
        assert_eq!(due, at);
        out.push((number, due));
    }
    out
}

#[test]
fn words_say_what_a_line_does() {
    let all = shape(
        "delay=20ms jitter=300us rate=1.5mbit queue=64kb loss=0.1% burst=0.2%/20% \
         reorder=1%/5ms duplicate=2% cut",
    );
    assert_eq!(all.delay, 20 * MS);
    assert_eq!(all.rate, Some(1_500_000));
    assert_eq!(all.queue, Queue::Bytes(64_000));
    let burst = Burst {
        enter: 0.002,
        leave: 0.2,
        loss: 1.0,
    };
    assert_eq!(all.burst, Some(burst));
    assert!(all.cut);
    assert_eq!(shape(&all.to_string()), all);
    assert!(!all.with("heal rate=none").unwrap().cut);
    for wrong in [
        "delay=20",
        "rate=5",
        "loss=200%",
        "speed=1",
        "cut=1",
        "burst=1%",
    ] {
        let error = wrong.parse::<Shape>().unwrap_err();
        assert!(error.to_string().contains(wrong), "{error}");
    }
}

#[test]
fn a_packet_arrives_after_its_own_length_and_the_delay() {
    let mut line = Line::new(shape("delay=20ms rate=8mbit"), 1);
    let out = passed(&mut line, 1, MS, 1_000 - HEADERS_LEN);
    assert_eq!(out, [(0, 21 * MS)]);
}

#[test]
fn the_rate_is_kept_and_the_queue_overflows_at_its_end() {
    // 1 ms of line each, so a queue of 10 ms holds ten behind the one being sent.
    let mut line = Line::new(shape("rate=8mbit queue=10ms"), 1);
    let out = passed(&mut line, 50, Duration::ZERO, 1_000 - HEADERS_LEN);
    assert_eq!(out.len(), 11);
    assert_eq!(out.last(), Some(&(10, 11 * MS)));
    assert_eq!(line.stats().overflowed, 39);
    let mut in_bytes = Line::new(shape("rate=8mbit queue=10kb"), 1);
    let same = passed(&mut in_bytes, 50, Duration::ZERO, 1_000 - HEADERS_LEN);
    assert_eq!(same, out);
}

#[test]
fn as_many_are_lost_as_asked_and_the_same_seed_loses_the_same() {
    let run = |seed| {
        let mut line = Line::new(shape("loss=5%"), seed);
        passed(&mut line, 20_000, MS, 100)
    };
    let lost = 20_000 - run(7).len();
    assert!((800..1_200).contains(&lost), "{lost}");
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn losses_of_a_burst_come_together() {
    let mut line = Line::new(shape("burst=0.5%/10%"), 3);
    let out = passed(&mut line, 50_000, MS, 100);
    let mut runs = Vec::new();
    for pair in out.windows(2) {
        let gap = pair[1].0 - pair[0].0 - 1;
        if gap > 0 {
            runs.push(f64::from(gap));
        }
    }
    let mean = runs.iter().sum::<f64>() / runs.len() as f64;
    assert!(
        (8.0..12.0).contains(&mean),
        "{mean} in {} bursts",
        runs.len()
    );
}

#[test]
fn jitter_keeps_the_order_and_reordering_does_not() {
    let mut jitter = Line::new(shape("delay=20ms jitter=10ms"), 2);
    let out = passed(&mut jitter, 1_000, MS, 100);
    assert!(out.is_sorted());
    assert!(out.iter().all(|(n, due)| *due - *n * MS <= 40 * MS));
    let mut line = Line::new(shape("delay=20ms reorder=10%/5ms"), 2);
    assert_eq!(
        shape("reorder=10%/5ms").reorder,
        Some(Reorder {
            share: 0.1,
            by: 5 * MS
        })
    );
    let out = passed(&mut line, 1_000, MS, 100);
    let behind = out.windows(2).filter(|pair| pair[0].0 > pair[1].0).count();
    assert!((60..140).contains(&behind), "{behind}");
    assert_eq!(out.len(), 1_000);
}

#[test]
fn duplicates_arrive_twice() {
    let mut line = Line::new(shape("duplicate=10%"), 5);
    let out = passed(&mut line, 1_000, MS, 100);
    assert_eq!(out.len() as u64, 1_000 + line.stats().duplicated);
    assert!((60..140).contains(&line.stats().duplicated));
}

#[test]
fn a_cut_line_lets_nothing_in_and_what_is_on_its_way_arrives() {
    let mut line = Line::new(shape("delay=20ms"), 1);
    line.offer(Duration::ZERO, 10, 0);
    line.set_shape(shape("delay=20ms cut"));
    line.offer(MS, 10, 1);
    line.set_shape(shape("delay=20ms"));
    line.offer(2 * MS, 10, 2);
    assert_eq!(line.due(19 * MS), None);
    assert_eq!(line.due(MS * 30), Some((20 * MS, 0)));
    assert_eq!(line.due(MS * 30), Some((22 * MS, 2)));
    assert_eq!(line.stats().cut, 1);
}

#[test]
fn a_delay_that_shrinks_lets_nothing_overtake() {
    let mut line = Line::new(shape("delay=50ms"), 1);
    line.offer(Duration::ZERO, 10, 0);
    line.set_shape(shape("delay=1ms"));
    line.offer(MS, 10, 1);
    let first = line.due(60 * MS).unwrap();
    let second = line.due(60 * MS).unwrap();
    assert_eq!((first.1, second.1), (0, 1));
}

#[test]
fn real_packets_go_there_and_back_and_a_cut_is_obeyed_at_once() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = server.local_addr().unwrap();
    let sim = NetSim::start(Options::to(to, shape("delay=1ms"))).unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(sim.address()).unwrap();
    let mut buffer = [0; 16];
    client.send(b"question").unwrap();
    let (len, from) = server.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"question");
    server.send_to(b"answer", from).unwrap();
    let len = client.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"answer");
    sim.cut(true);
    client.send(b"lost").unwrap();
    while sim.stats(Direction::Up).offered < 2 {
        std::thread::yield_now();
    }
    assert_eq!(sim.stats(Direction::Up).cut, 1);
    sim.cut(false);
    client.send(b"found").unwrap();
    let (len, _) = server.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"found");
}
