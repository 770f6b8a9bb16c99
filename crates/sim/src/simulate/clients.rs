//! Clients and the network between them and the book: requests come late, twice, out of order or never, answers get lost,
//! and whoever is not answered asks again under the same ids until it is.

use super::ask::Asker;
use super::history::is_stopped;
use crate::seed::Chance;
use book::{Command, Outcome, Reject, Verdict};
use engine::writer::{Answer, Fault};
use std::collections::VecDeque;

/// So many may wait for an answer at once.
pub(super) const CLIENTS: usize = 64;

/// The clients, and what is under way.
#[derive(Debug, Default)]
pub(super) struct Clients {
    requests: Vec<Request>,
    /// The requests that were not answered yet.
    open: Vec<usize>,
    network: Vec<Parcel>,
    /// What is to be asked before anything else.
    pub(super) backlog: VecDeque<Vec<Command>>,
}

#[derive(Debug)]
struct Request {
    commands: Vec<Command>,
    is_settled: Vec<bool>,
    is_presented: bool,
    again_at: u64,
}

/// A request on its way.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    at: u64,
    request: usize,
    /// Which commands of the request it holds, behind what presents it.
    places: Vec<usize>,
    pub(super) unit: Vec<Command>,
}

impl Clients {
    /// How many wait for an answer.
    pub(super) fn waiting(&self) -> usize {
        self.open.len()
    }

    /// Sends a new request.
    pub(super) fn begin(&mut self, step: u64, commands: Vec<Command>, asker: &mut Asker<'_>) {
        let is_settled = vec![false; commands.len()];
        let is_presented = !asker.chance.one_in(6);
        self.requests.push(Request { commands, is_settled, is_presented, again_at: 0 });
        let request = self.requests.len() - 1;
        self.open.push(request);
        self.send(step, request, asker);
    }

    /// Sends again whatever was not answered in time, as new requests around the same commands.
    pub(super) fn insist(&mut self, step: u64, asker: &mut Asker<'_>) {
        for request in self.open.clone() {
            if self.requests[request].again_at <= step {
                self.send(step, request, asker);
            }
        }
    }

    fn send(&mut self, step: u64, number: usize, asker: &mut Asker<'_>) {
        let request = &mut self.requests[number];
        request.again_at = step + asker.chance.between(6, 25);
        let places: Vec<usize> =
            (0..request.commands.len()).filter(|place| !request.is_settled[*place]).collect();
        let mut unit = Vec::with_capacity(places.len() + 1);
        if request.is_presented {
            unit.push(asker.present(request.commands[0].by));
        }
        unit.extend(places.iter().map(|place| request.commands[*place].clone()));
        let chance = &mut *asker.chance;
        let mut parcel = Parcel { at: step + chance.below(5), request: number, places, unit };
        if chance.one_in(6) {
            self.network.push(parcel.clone());
            parcel.at += chance.below(40);
        }
        if !chance.one_in(20) {
            self.network.push(parcel);
        }
    }

    /// Up to `most` of what arrives now, in any order.
    pub(super) fn arrive(&mut self, step: u64, most: usize, chance: &mut Chance) -> Vec<Parcel> {
        let mut arrived = Vec::new();
        let mut here: Vec<usize> =
            (0..self.network.len()).filter(|place| self.network[*place].at <= step).collect();
        let mut taken = Vec::new();
        while taken.len() < most && !here.is_empty() {
            taken.push(here.swap_remove(chance.place(here.len())));
        }
        for place in &taken {
            arrived.push(self.network[*place].clone());
        }
        taken.sort_unstable();
        for place in taken.into_iter().rev() {
            self.network.swap_remove(place);
        }
        arrived
    }

    /// Tells a client what came of its request.
    pub(super) fn answer(&mut self, parcel: &Parcel, answer: &Answer) {
        let request = &mut self.requests[parcel.request];
        let presented = usize::from(parcel.unit.len() != parcel.places.len());
        if 0 < presented && is_stopped(&parcel.unit[0], &answer[0]) {
            if is_hopeless(&answer[0]) {
                request.is_settled.fill(true);
            }
        } else {
            for (place, verdict) in parcel.places.iter().zip(&answer[presented..]) {
                request.is_settled[*place] |= verdict.is_ok();
            }
        }
        if request.is_settled.iter().all(|settled| *settled) {
            self.open.retain(|open| *open != parcel.request);
        }
    }

    /// Forgets what is on its way, without telling anybody.
    pub(super) fn lose_everything(&mut self) {
        self.network.clear();
        for request in &self.open {
            self.requests[*request].again_at = 0;
        }
    }
}

/// Whether a client that was refused like this cannot even ask.
fn is_hopeless(verdict: &Result<Verdict, Fault>) -> bool {
    matches!(
        verdict,
        Ok(Verdict::Record(_, Outcome::Denied(_)) | Verdict::Reject(Reject::KeyUnknown | Reject::BookState))
    )
}
