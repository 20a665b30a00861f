use super::*;
use proptest::prelude::*;
use proptest::sample::select;

/// Something a site does to the incident, within its rights or not.
#[derive(Debug, Clone)]
enum Deed {
    /// Our writer writes.
    Edit(Vec<Edit>),
    /// Somebody goes round it.
    Put(&'static str, String),
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "[三号楼火情🚒 a-c]{0,12}",
        Just("值".repeat(20_001)),
        Just(String::new())
    ]
}

fn one_edit() -> impl Strategy<Value = Edit> {
    let choice = |field: &'static str, values: &'static [&'static str]| {
        select(values).prop_map(move |value| set(field, text(value)))
    };
    prop_oneof![
        choice("level", &["I", "II", "III", "IV", "V"]),
        choice("state", &["received", "handling", "handled", "nonsense"]),
        choice("class", &["fire", "theft"]),
        words().prop_map(|said| set("title", text(&said))),
        words().prop_map(|said| set("place", text(&said))),
        (0..4u8, words()).prop_map(|(id, said)| progress(id, &said)),
        any::<i64>().prop_map(|at| set("known_at", Value::Int(at))),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        8 => prop::collection::vec(one_edit(), 1..4).prop_map(Deed::Edit),
        1 => (select(&["level", "title", "home", "number", "x"][..]), words())
            .prop_map(|(field, value)| Deed::Put(field, value)),
    ]
}

/// The change `deed` makes, if it makes one.
fn change(doc: &mut Automerge, deed: &Deed) -> Option<Vec<u8>> {
    match deed {
        Deed::Edit(edits) => write::edit(doc, table("incident"), edits).ok(),
        Deed::Put(field, value) => {
            let mut tx = doc.transaction();
            tx.put(ROOT, *field, value.as_str()).ok()?;
            tx.commit().0?;
            let change = doc.get_last_local_change()?;
            Some(change.raw_bytes().to_vec())
        }
    }
}

/// A section of these deeds, as the store's writer hands it to its own gate.
fn section_of(
    base: &[u8],
    site: JournalId,
    deeds: &[Deed],
) -> (Vec<Automerge>, Automerge, Vec<Vec<u8>>) {
    let mut doc = Automerge::load(base).unwrap();
    doc.set_actor(actor(site, [0; 4]));
    let (mut steps, mut changes) = (Vec::new(), Vec::new());
    for deed in deeds {
        let before = doc.clone();
        if let Some(change) = change(&mut doc, deed) {
            steps.push(before);
            changes.push(change);
        }
    }
    (steps, doc, changes)
}

/// Everything of a verdict that must not depend on how it was reached.
fn essence(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Accepted(admitted) => {
            let doc = Automerge::load(&admitted.snapshot).expect("an admitted snapshot loads");
            let heads = doc.get_heads().iter().flat_map(|head| head.0).collect();
            Verdict::Accepted(Box::new(Admitted {
                snapshot: heads,
                ..*admitted
            }))
        }
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_short_gate_says_what_the_whole_gate_says(
        sections in prop::collection::vec(
            (select(&[EAST, WEST][..]), prop::collection::vec(deed(), 1..4), any::<bool>()),
            1..6,
        ),
    ) {
        let (mut base, mut accepted) = (incident(), 0);
        // What a site writes that has not seen the last section comes in after it.
        let mut earlier = base.clone();
        for (site, deeds, unseen) in sections {
            let (steps, doc, changes) = section_of(&base, site, &deeds);
            let section = section("incident", &changes);
            let made = essence(judge_made(&steps, &doc, &section, site, RULES));
            let whole = essence(judge(Some(&base), &section, site, RULES));
            prop_assert_eq!(&made, &whole);
            let before = base.clone();
            if let Verdict::Accepted(_) = made {
                accepted += 1;
                base = doc.save();
            }
            if unseen {
                let other = if site == EAST { WEST } else { EAST };
                let late = Deed::Edit(vec![set("level", text("IV"))]);
                let (_, _, changes) = section_of(&earlier, other, &[late]);
                let late = super::section("incident", &changes);
                if let Verdict::Accepted(admitted) = judge(Some(&base), &late, other, RULES) {
                    base = admitted.snapshot;
                }
            }
            earlier = before;
        }
        // Not every series of deeds is within anyone's rights; most have a part that is.
        prop_assume!(accepted > 0);
    }
}
