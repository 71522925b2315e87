//! Naive: the model: all that ever happened, and how it is counted, in as few words as possible.

use std::collections::{HashMap, HashSet};

use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::held::{HoldId, Instance, State};
use crate::quota::plan::{Bound, Plan, Reading};
use crate::quota::{Aggregate, Amount, Bucket, Per, PolicyVersion, Subject};

use super::begin;
use super::verb::{self, AGGREGATES, Ask, WINDOWS};
use crate::conformance::words::*;

#[derive(Clone, Debug)]
pub(super) enum What {
    Charge(i64),
    /// Of one bucket, or of all.
    Reset(Option<String>),
}

#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub(super) who: String,
    pub(super) group: Option<String>,
    pub(super) what: usize,
    pub(super) member: Option<String>,
    pub(super) at: Timestamp,
    pub(super) did: What,
    pub(super) room: Option<HoldId>,
}

impl Fact {
    pub(super) fn of(plan: &Plan, did: What) -> Self {
        let item = &plan.items[0];
        Self {
            who: plan.subject.as_str().to_owned(),
            group: plan.group.as_deref().map(ToOwned::to_owned),
            what: (0..4).find(|what| verb::resource(*what) == item.resource).unwrap(),
            member: item.member.as_deref().map(ToOwned::to_owned),
            at: plan.at,
            did,
            room: None,
        }
    }

    fn resets(&self, key: &str) -> bool {
        matches!(&self.did, What::Reset(one) if one.as_ref().is_none_or(|one| one == key))
    }

    const fn charge(&self) -> Option<i64> {
        match self.did {
            What::Charge(amount) => Some(amount),
            What::Reset(_) => None,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Room {
    pub(super) id: HoldId,
    pub(super) who: String,
    pub(super) group: Option<String>,
    pub(super) what: usize,
    pub(super) at: Timestamp,
    pub(super) end: Timestamp,
    pub(super) amount: i64,
    pub(super) state: State,
    pub(super) total: i64,
    pub(super) late: bool,
    /// When it was settled.
    pub(super) settled: Timestamp,
    /// It was charged at once.
    pub(super) consumed: bool,
    /// It lives as long as the process that took it.
    pub(super) owned: bool,
}

impl Room {
    pub(super) fn of(plan: &Plan, id: HoldId, end: Timestamp) -> Self {
        let Fact { who, group, what, at, .. } = Fact::of(plan, What::Reset(None));
        let (amount, state) = (plan.items[0].amount.get(), State::Open);
        Self {
            id,
            who,
            group,
            what,
            at,
            end,
            amount,
            state,
            total: 0,
            late: false,
            settled: end,
            consumed: false,
            owned: false,
        }
    }
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) now: Timestamp,
    /// Of how many resources it is about.
    pub(super) resources: usize,
    pub(super) version: PolicyVersion,
    pub(super) facts: Vec<Fact>,
    pub(super) rooms: Vec<Room>,
    pub(super) keys: HashMap<(String, u8), i64>,
    pub(super) forgotten: Vec<Subject>,
    refunded: HashSet<HoldId>,
    /// The process, where the store can tell when it ends.
    pub(super) owner: Option<Instance>,
    /// Before this moment nothing is asked any more.
    pub(super) pruned: Timestamp,
}

impl Model {
    pub(super) fn new(version: PolicyVersion, resources: usize) -> Self {
        Self {
            now: begin(),
            resources,
            version,
            facts: Vec::new(),
            rooms: Vec::new(),
            keys: HashMap::new(),
            forgotten: Vec::new(),
            refunded: HashSet::new(),
            owner: None,
            pruned: Timestamp::MIN,
        }
    }

    pub(super) fn plan(&self, ask: &Ask) -> Plan {
        let what = ask.what % self.resources;
        let member = ["a", "b", "c"][ask.member];
        let at = verb::day(ask.day).max(self.pruned);
        let amount = if AGGREGATES[what] == Aggregate::Unique { 1 } else { ask.amount };
        let group = verb::group(ask.group).map(ToOwned::to_owned);
        self.question(verb::who(ask.who), group, what, member, at, amount, &ask.windows)
    }

    /// Returns the plan that adds `amount` to what `room` is about.
    pub(super) fn addition(&self, room: &Room, amount: i64, windows: &[usize]) -> Plan {
        let who = room.who.parse().unwrap();
        let plan = self.question(who, room.group.clone(), room.what, "a", room.at, amount, windows);
        Plan { growing: true, ..plan }
    }

    #[expect(clippy::too_many_arguments, reason = "each says one thing of a plan")]
    fn question(
        &self,
        who: Subject,
        group: Option<String>,
        what: usize,
        name: &str,
        at: Timestamp,
        amount: i64,
        windows: &[usize],
    ) -> Plan {
        let texts: Vec<_> = windows.iter().map(|index| WINDOWS[*index]).collect();
        // Like the engine's, a plan for somebody in no group names no pool of one.
        let texts: Vec<_> =
            texts.into_iter().filter(|text| group.is_some() || !text.contains("group")).collect();
        let mut plan = wants_at(at, 0, &[]);
        plan.items.clear();
        let plan = adding(AGGREGATES[what], and_wants(plan, &verb::resource(what), amount, &texts));
        let unique = AGGREGATES[what] == Aggregate::Unique;
        let plan = if unique { member(name, plan) } else { plan };
        let group = group.map(Into::into);
        by(who, Plan { version: self.version, group, ..plan })
    }

    /// Returns plans that read every window of everyone at every moment that may be asked about.
    pub(super) fn every_question(&self) -> Vec<Plan> {
        let everyone = [alice(), bob()].into_iter().chain(self.forgotten.iter().cloned());
        let moments = (0..verb::DAYS.len()).map(verb::day).chain([self.now, self.pruned]);
        let moments: Vec<_> =
            moments.filter(|at| *at >= self.pruned && *at > Timestamp::MIN).collect();
        let windows: Vec<_> = (0..WINDOWS.len()).collect();
        let mut plans = Vec::new();
        for (index, who) in everyone.enumerate() {
            let group = verb::group(1 + index % 2).map(ToOwned::to_owned);
            for (what, at) in
                (0..self.resources).flat_map(|it| moments.iter().map(move |at| (it, at)))
            {
                let (who, group) = (who.clone(), group.clone());
                plans.push(self.question(who, group, what, "b", *at, 0, &windows));
            }
        }
        plans
    }

    pub(super) fn readings(&self, plan: &Plan) -> Vec<Reading> {
        plan.items[0].bounds.iter().map(|bound| self.reading(plan, bound)).collect()
    }

    /// Returns what a window of the one item of `plan` reads.
    pub(super) fn reading(&self, plan: &Plan, bound: &Bound) -> Reading {
        let asked = Fact::of(plan, What::Reset(None));
        let Some(account) = plan.account(bound.per) else { return Reading::default() };
        let (facts, stretch) = self.inside(asked.what, bound.per, account, &bound.bucket, plan.at);
        let opened = matches!(bound.bucket.shape, Shape::FirstUse { .. }) && stretch.is_some();
        let since = stretch.as_ref().filter(|_| opened).map(|bucket| bucket.start);
        let bucket = stretch.unwrap_or_else(|| bound.bucket.clone());
        let members: HashSet<_> = facts.iter().filter_map(|fact| fact.member.as_ref()).collect();
        let unique = AGGREGATES[asked.what] == Aggregate::Unique;
        let mut reading = Reading {
            used: Amount::new(used(&facts, &bucket, AGGREGATES[asked.what])),
            since,
            known: unique && asked.member.is_some_and(|member| members.contains(&member)),
            ..Reading::default()
        };
        let held = self.held(asked.what, bound.per, account, bound.holds(&reading));
        reading.held = Amount::new(held);
        reading
    }

    pub(super) fn used_in(&self, what: usize, who: &Subject, bucket: &Bucket) -> i64 {
        let (facts, _) = self.inside(what, Per::Subject, who.as_str(), bucket, self.now);
        used(&facts, bucket, AGGREGATES[what])
    }

    /// Returns the charges of an account that count in `bucket` at `at`, and the stretch they are
    /// in, if there is one.
    fn inside(
        &self,
        what: usize,
        per: Per,
        account: &str,
        bucket: &Bucket,
        at: Timestamp,
    ) -> (Vec<&Fact>, Option<Bucket>) {
        let mine = self.facts.iter().filter(|fact| fact.what == what && owns(fact, per, account));
        let taken_back = |fact: &&Fact| fact.room.is_some_and(|room| self.refunded.contains(&room));
        let counts = |fact: &&Fact| AGGREGATES[what] == Aggregate::Sum || !taken_back(fact);
        let mut stretch = Some(bucket.clone());
        let mut facts: Vec<&Fact> = Vec::new();
        if matches!(bucket.shape, Shape::FirstUse { .. }) {
            stretch = None;
            for fact in mine.filter(counts) {
                match &stretch {
                    Some(open) if open.contains(fact.at) => facts.push(fact),
                    Some(open) if fact.at < open.start => {}
                    _ if fact.charge().is_some() => {
                        stretch = Some(bucket.begun(fact.at));
                        facts = vec![fact];
                    }
                    _ => {}
                }
            }
            stretch = stretch.filter(|open| open.contains(at));
            facts.truncate(if stretch.is_some() { facts.len() } else { 0 });
        } else {
            facts.extend(mine.filter(counts).filter(|fact| bucket.contains(fact.at)));
        }
        let reset = facts.iter().rposition(|fact| fact.resets(&bucket.key));
        let facts = facts.split_off(reset.map_or(0, |place| place + 1));
        (facts.into_iter().filter(|fact| fact.charge().is_some()).collect(), stretch)
    }

    fn held(&self, what: usize, per: Per, account: &str, holds: impl Fn(Timestamp) -> bool) -> i64 {
        let counts = |room: &&Room| {
            let mine = match per {
                Per::Subject => room.who == account,
                Per::Group => room.group.as_deref() == Some(account),
                Per::Server => true,
            };
            let open = room.state == State::Open && self.now < room.end;
            room.what == what && mine && open && holds(room.at)
        };
        self.rooms.iter().filter(counts).map(|room| room.amount).sum()
    }

    pub(super) fn lapse(&mut self) {
        let now = self.now;
        for room in self.rooms.iter_mut().filter(|room| room.end <= now) {
            if room.state == State::Open {
                room.state = State::Lapsed;
            }
        }
    }

    /// Ends the reservations of the process; returns how many there were.
    pub(super) fn crash(&mut self) -> usize {
        let owned = |room: &&mut Room| room.owned && room.state == State::Open;
        self.rooms.iter_mut().filter(owned).map(|room| room.state = State::Lapsed).count()
    }

    pub(super) fn settle(&mut self, which: usize, total: i64, late: bool) {
        let room = &mut self.rooms[which];
        // Bytes are charged by what the action turned out to be; counts by what was set aside.
        room.amount = if room.what == 0 { total } else { room.amount };
        (room.state, room.total, room.late) = (State::Settled, total, late);
        room.settled = self.now;
        let fact = charge_of(room, room.amount);
        self.facts.push(fact);
    }

    pub(super) fn refund(&mut self, which: usize) {
        let room = &mut self.rooms[which];
        room.state = State::Refunded;
        self.refunded.insert(room.id);
        let fact = charge_of(room, -room.amount);
        self.facts.push(fact);
    }

    pub(super) fn forget(&mut self, name: &str, pseudonym: Subject) {
        for fact in self.facts.iter_mut().filter(|fact| fact.who == name) {
            pseudonym.as_str().clone_into(&mut fact.who);
        }
        for room in self.rooms.iter_mut().filter(|room| room.who == name) {
            pseudonym.as_str().clone_into(&mut room.who);
        }
        self.keys.retain(|(who, _), _| who != name);
        self.forgotten.push(pseudonym);
    }
}

fn charge_of(room: &Room, amount: i64) -> Fact {
    let Room { id, who, group, what, at, .. } = room.clone();
    Fact { who, group, what, member: None, at, did: What::Charge(amount), room: Some(id) }
}

fn owns(fact: &Fact, per: Per, account: &str) -> bool {
    match per {
        Per::Subject => fact.who == account,
        Per::Group => fact.charge().is_some() && fact.group.as_deref() == Some(account),
        Per::Server => fact.charge().is_some(),
    }
}

/// Returns what charges since the last reset add up to.
fn used(facts: &[&Fact], bucket: &Bucket, aggregate: Aggregate) -> i64 {
    let amounts = facts.iter().filter_map(|fact| fact.charge());
    match aggregate {
        Aggregate::Sum if matches!(bucket.shape, Shape::Rolling { .. }) => {
            amounts.sum::<i64>().max(0)
        }
        Aggregate::Sum => amounts.fold(0, |used, amount| (used + amount).max(0)),
        Aggregate::Max => amounts.max().unwrap_or_default().max(0),
        Aggregate::Last => {
            let newest = facts.iter().max_by_key(|fact| fact.at);
            newest.and_then(|fact| fact.charge()).unwrap_or_default().max(0)
        }
        Aggregate::Unique => {
            let members: HashSet<_> = facts.iter().filter_map(|it| it.member.as_ref()).collect();
            i64::try_from(members.len()).unwrap()
        }
    }
}
