//! Keys: every key of the books: its name, its type, what it holds, how long it stays.
//!
//! All begin with the prefix in braces, `{metergate}:`, so that they lie in one slot of a Cluster
//! and a script may touch any of them. The parts of a name are joined by `:`; a name that someone
//! else chose (a subject, an instance) is always the last part. `keys.lua` makes the same names.
//!
//! An import is put under a root of its own, `{metergate}:g1:`, `{metergate}:g2:` and so on, where
//! nobody looks; at its end [`generation`](Keys::generation) says that all keys are there. What was
//! under the former root, or without one, or was left by an import that was broken off, is taken
//! away little by little.
//!
//! How values are written: an amount and an id as decimal text, since a Lua number is exact to 53
//! bits only; an id in [20 digits](Keys::id), so that the order of text is that of numbers; a
//! moment in milliseconds since 1970; what may be missing as `-` between spaces and as an empty
//! text in a JSON array. PER is `subject`, `group` or `server`, an ACCOUNT the name of a subject
//! or a group, or nothing for everyone.
//!
//! No key of the books expires: what nobody can ask for any more is taken out by pruning, or by a
//! later call that ends a reservation. Times come from the caller, so the server's clock says
//! nothing about them.

#![expect(dead_code, reason = "some keys are named by scripts alone; all are told of here")]

use crate::quota::{Per, Resource};

/// The version of what is written here.
pub(super) const LAYOUT: u32 = 1;

/// Names keys under one prefix.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    root: String,
}

impl Keys {
    /// Returns the names under `prefix`, which holds no brace.
    pub(super) fn under(prefix: &str) -> Self {
        Self { root: format!("{{{prefix}}}:") }
    }

    /// Returns what all of them begin with. A script is given it as its first key; none has that
    /// name.
    pub(super) fn root(&self) -> &str {
        &self.root
    }

    /// Returns `id` as it is written here.
    pub(super) fn id(id: u64) -> String {
        format!("{id:020}")
    }

    fn named(&self, name: &str) -> String {
        format!("{}{name}", self.root)
    }

    fn of_account(&self, what: &str, per: Per, resource: &Resource, account: &str) -> String {
        format!("{}{what}:{per}:{resource}:{account}", self.root)
    }
}

/// The policy.
impl Keys {
    /// String: [`LAYOUT`] of who wrote here first.
    pub(super) fn layout(&self) -> String {
        self.named("layout")
    }

    /// String: the root of the present books behind the prefix, `g1:`; none before the first import.
    /// This key, the three below and [`layout`](Self::layout) have no root.
    pub(super) fn generation(&self) -> String {
        self.named("generation")
    }

    /// String: counts the imports that were begun.
    pub(super) fn generations(&self) -> String {
        self.named("generations")
    }

    /// Sorted set by when they are given up, by the server's clock: the roots of imports that go on.
    pub(super) fn importing(&self) -> String {
        self.named("importing")
    }

    /// String: the root when all keys of others were last taken away; `?` since an import began.
    pub(super) fn swept(&self) -> String {
        self.named("swept")
    }

    /// Hash: `version`, and the layers `file` and `store` as JSON.
    pub(super) fn policy(&self) -> String {
        self.named("policy")
    }

    /// Hash: subject → what it has of its own, as JSON.
    pub(super) fn grants(&self) -> String {
        self.named("grants")
    }

    /// Sorted set, all scores 0: the subjects of [`grants`](Self::grants), by name.
    pub(super) fn granted(&self) -> String {
        self.named("granted")
    }

    /// String: counts the changes that are no lines: pruning, forgetting, importing, recounting,
    /// closing a bucket. What was folded before one of them is folded again.
    pub(super) fn epoch(&self) -> String {
        self.named("epoch")
    }
}

/// The ledger. A line and its places in the indexes stay until it is pruned.
impl Keys {
    /// String: the highest id that a line ever had, without leading zeros.
    pub(super) fn last_line(&self) -> String {
        self.named("last-line")
    }

    /// Hash: id → the line, as [`codec`](super::codec) writes it.
    pub(super) fn line(&self) -> String {
        self.named("line")
    }

    /// Sorted set, all scores 0: the ids of all lines.
    pub(super) fn ledger(&self) -> String {
        self.named("ledger")
    }

    /// Sorted set, all scores 0: the ids of the lines of a subject.
    pub(super) fn lines_of(&self, subject: &str) -> String {
        format!("{}lines:{subject}", self.root)
    }

    /// Sorted set by moment: the lines of an account, each `ID KIND AMOUNT`. That of the server
    /// has every line about the resource, resets too, which count for their subject alone.
    pub(super) fn moments(&self, per: Per, resource: &Resource, account: &str) -> String {
        self.of_account("moments", per, resource, account)
    }

    /// Sorted set by moment: the resets of a subject, each `ID RECORDED BUCKET`, where BUCKET is
    /// nothing if it is about all.
    pub(super) fn resets(&self, resource: &Resource, subject: &str) -> String {
        format!("{}resets:{resource}:{subject}", self.root)
    }

    /// Sorted set, all scores 0: the accounts that have lines about a resource, or a balance.
    pub(super) fn accounts(&self, per: Per, resource: &Resource) -> String {
        format!("{}accounts:{per}:{resource}", self.root)
    }

    /// Sorted set, all scores 0: the subjects that have lines, balances or something of their own;
    /// maybe some that had.
    pub(super) fn subjects(&self) -> String {
        self.named("subjects")
    }

    /// Set: the resources that anybody has lines about, or a balance.
    pub(super) fn resources(&self) -> String {
        self.named("resources")
    }

    /// Hash: the caller's name for a call → `ID FINGERPRINT`, of the line it wrote, in
    /// hexadecimal. Stays as long as the line.
    pub(super) fn calls_of(&self, subject: &str) -> String {
        format!("{}calls:{subject}", self.root)
    }

    /// Hash: account → `USED NEWEST`, what it had used before the first line.
    pub(super) fn balances(&self, per: Per, resource: &Resource) -> String {
        format!("{}balances:{per}:{resource}", self.root)
    }

    /// Hash: resource → the latest moment of its lines that were taken out.
    pub(super) fn pruned(&self) -> String {
        self.named("pruned")
    }
}

/// The buckets. What is kept of one stays until it is pruned or closed.
impl Keys {
    /// Hash: `PER:RESOURCE:KEY` → the opened bucket with that key, as
    /// [`Place`](super::place::Place) writes it.
    pub(super) fn places(&self) -> String {
        self.named("places")
    }

    /// Sorted set by the first moment after it, `inf` of one that moves or does not end: the
    /// opened buckets of a resource, as in [`places`](Self::places).
    pub(super) fn places_by_end(&self, per: Per, resource: &Resource) -> String {
        format!("{}places:{per}:{resource}", self.root)
    }

    /// String: the highest id that a bucket ever had.
    pub(super) fn last_place(&self) -> String {
        self.named("last-place")
    }

    /// String: who opens a bucket just now; expires by the server's clock if that process is gone.
    pub(super) fn opening(&self) -> String {
        self.named("opening")
    }

    /// Set: the id of a bucket that is being opened, whose counts nobody sees yet.
    pub(super) fn staged(&self) -> String {
        self.named("staged")
    }

    /// Hash: account → `USED NEWEST SINCE END` in an opened bucket, the last two of one that
    /// opens by its first use: the stretch that is counted.
    pub(super) fn counts(&self, place: &str) -> String {
        format!("{}counts:{place}", self.root)
    }

    /// Set: the members that are counted in an opened bucket.
    pub(super) fn members(&self, place: &str, account: &str) -> String {
        format!("{}members:{place}:{account}", self.root)
    }

    /// Hash: `PER:RESOURCE` → the first moment of which parts are kept: of all accounts, since the
    /// beginning of a day in UTC.
    pub(super) fn parts(&self) -> String {
        self.named("parts")
    }

    /// Hash: `PER:RESOURCE`, of which parts from before [`parts`](Self::parts) are being taken away →
    /// where to go on: a bound of the accounts, or `=CURSOR ACCOUNT`.
    pub(super) fn parts_left(&self) -> String {
        self.named("parts-left")
    }

    /// Set: the ids of buckets that are no longer opened, whose members are being taken away.
    pub(super) fn closed(&self) -> String {
        self.named("closed")
    }

    /// Hash: what the charges of a part of time add up to, of an account: `d`, `h` or `m` and the
    /// number of the day, the hour or the minute since 1970 → amount, maybe below zero.
    pub(super) fn parts_of(&self, per: Per, resource: &Resource, account: &str) -> String {
        self.of_account("part", per, resource, account)
    }
}

/// The reservations. One that has ended stays for 35 days.
impl Keys {
    /// Hash: a reservation: `subject`, `group`, `at`, `until` or `instance`, `state`, `items` (as
    /// [`codec`](super::codec) writes them) and, once settled, `total` and `late`.
    pub(super) fn hold(&self, id: &str) -> String {
        format!("{}hold:{id}", self.root)
    }

    /// Set: the ids of all reservations of a subject, ended ones too.
    pub(super) fn holds_of(&self, subject: &str) -> String {
        format!("{}holds:{subject}", self.root)
    }

    /// Sorted set by when they ended: the ids of reservations.
    pub(super) fn ended(&self) -> String {
        self.named("ended")
    }

    /// Sorted set by their moment: the open reservations of an account.
    pub(super) fn open(&self, per: Per, account: &str) -> String {
        format!("{}open:{per}:{account}", self.root)
    }

    /// Sorted set by when their lives end: those of [`open`](Self::open) that live until a moment.
    pub(super) fn until(&self, per: Per, account: &str) -> String {
        format!("{}until:{per}:{account}", self.root)
    }

    /// Hash: `MINUTE:INSTANCE` → what the open reservations of an account hold of a resource: of
    /// those whose moments are in that minute since 1970 and that live by that instance, or, where
    /// it is empty, until a moment.
    pub(super) fn held(&self, per: Per, resource: &Resource, account: &str) -> String {
        self.of_account("held", per, resource, account)
    }

    /// Hash: instance → its latest sign of life.
    pub(super) fn instances(&self) -> String {
        self.named("instances")
    }

    /// Hash: instance → the token in the name of the connection that its process keeps.
    pub(super) fn tokens(&self) -> String {
        self.named("tokens")
    }

    /// Set: the open reservations that live by an instance.
    pub(super) fn owned(&self, instance: &str) -> String {
        format!("{}owned:{instance}", self.root)
    }

    /// Hash: instance → how many open reservations of a subject live by it.
    pub(super) fn owners(&self, subject: &str) -> String {
        format!("{}owners:{subject}", self.root)
    }
}

/// What is told.
impl Keys {
    /// Hash: `MODE:MARK:BUCKET` → when; of a bucket that opens by its first use with a space and
    /// its first moment behind its key. The mark `past` says since when more than the limit is
    /// used.
    pub(super) fn marks(&self, per: Per, resource: &Resource, account: &str) -> String {
        self.of_account("marks", per, resource, account)
    }

    /// Sorted set by when their windows end: the marks, each the key that it is in without the
    /// prefix, a line feed, and its field.
    pub(super) fn marks_by_end(&self) -> String {
        self.named("marks-by-end")
    }

    /// String: the highest id that a notice ever had.
    pub(super) fn last_notice(&self) -> String {
        self.named("last-notice")
    }

    /// Hash: id → the notice, as [`codec`](super::codec) writes it.
    pub(super) fn notice(&self) -> String {
        self.named("notice")
    }

    /// Sorted set, all scores 0: the ids of all notices.
    pub(super) fn notices(&self) -> String {
        self.named("notices")
    }

    /// Hash: target → the notice up to which it was told.
    pub(super) fn told(&self) -> String {
        self.named("told")
    }
}
