//! A failing schedule made small: what can be left out while some promise still breaks is left
//! out (delta debugging, Zeller and Hildebrandt 2002).

use super::founding::Founding;
use super::run;
use super::schedule::Schedule;

/// Worlds tried at most.
const TRIES: usize = 400;

/// The smallest failing schedule found, and what it breaks; `None` when `schedule` does not fail.
#[must_use]
pub fn shrink(founding: &Founding, schedule: &Schedule) -> Option<(Schedule, String)> {
    let mut search = Search {
        founding,
        broken: fails(founding, schedule)?,
        smallest: schedule.clone(),
        tries: TRIES,
    };
    search.drop_sites();
    search.drop_steps();
    search.drop_sites();
    Some((search.smallest, search.broken))
}

struct Search<'a> {
    founding: &'a Founding,
    smallest: Schedule,
    broken: String,
    tries: usize,
}

impl Search<'_> {
    /// Takes `candidate` if it still fails.
    fn try_out(&mut self, candidate: Schedule) -> bool {
        if self.tries == 0 {
            return false;
        }
        self.tries -= 1;
        match fails(self.founding, &candidate) {
            Some(broken) => {
                self.broken = broken;
                self.smallest = candidate;
                true
            }
            None => false,
        }
    }

    fn drop_steps(&mut self) {
        let mut chunk = self.smallest.steps.len().div_ceil(2).max(1);
        loop {
            let mut at = 0;
            let mut dropped = false;
            while at < self.smallest.steps.len() {
                let mut candidate = self.smallest.clone();
                let end = (at + chunk).min(candidate.steps.len());
                candidate.steps.drain(at..end);
                if self.try_out(candidate) {
                    dropped = true;
                } else {
                    at += chunk;
                }
            }
            match (chunk, dropped) {
                (1, false) => return,
                (1, true) => {}
                _ => chunk = chunk.div_ceil(2),
            }
            if self.tries == 0 {
                return;
            }
        }
    }

    fn drop_sites(&mut self) {
        while self.smallest.sites > 2 {
            let mut candidate = self.smallest.clone();
            candidate.sites -= 1;
            if candidate
                .hostile
                .is_some_and(|hostile| hostile >= candidate.sites)
            {
                return;
            }
            if !self.try_out(candidate) {
                return;
            }
        }
    }
}

fn fails(founding: &Founding, schedule: &Schedule) -> Option<String> {
    let lived = run::one(founding, schedule);
    lived.err().map(|error| format!("{error:#}"))
}
