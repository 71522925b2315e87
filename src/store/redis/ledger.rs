//! Ledger: the lines, what they come to, and what was used before the first of them.

use std::collections::BTreeMap;

use super::Redis;
use super::codec::{read_balance, read_line};
use super::fault::corrupt;
use super::keys::Keys;
use super::script::script;
use super::view::{Parts, Tries, View};
use super::walk::Walk;
use crate::clock::Timestamp;
use crate::quota::count::Count;
use crate::quota::event::{EVERYONE, Line};
use crate::quota::{Aggregate, Amount, Bucket, Per, Resource, Subject};
use crate::store::{Balance, Lines, StoreError};

script!(LINES, WORDS, "verbs/lines.lua");
script!(BALANCES, WORDS, "verbs/balances.lua");
script!(RESOURCES, WORDS, "verbs/resources.lua");

/// How many lines are read at once, so that no call waits long for it.
const AT_ONCE: usize = 1000;

pub(super) async fn lines(store: &Redis, which: &Lines) -> Result<Vec<Line>, StoreError> {
    let mut tries = Tries::default();
    loop {
        let view = View::now(store).await?;
        match read(store, which, &view).await? {
            Some(lines) => return Ok(lines),
            None => tries.again().await?,
        }
    }
}

async fn read(store: &Redis, which: &Lines, view: &View) -> Result<Option<Vec<Line>>, StoreError> {
    let index =
        which.subject.as_ref().map_or_else(|| "ledger".to_owned(), |it| format!("lines:{it}"));
    let newest_first = if which.newest_first { "1" } else { "0" };
    let (mut found, mut behind) = (Vec::new(), which.behind.map(Keys::id).unwrap_or_default());
    while found.len() < which.most {
        // Of one resource there may be few among them.
        let all = which.resource.is_none();
        let most = if all { AT_ONCE.min(which.most - found.len()) } else { AT_ONCE };
        let count = most.to_string();
        let arguments = [&view.epoch, index.as_str(), &behind, newest_first, &count];
        let answer: Option<Vec<String>> = store.connection.run(&LINES, &arguments).await?;
        let Some(answer) = answer else { return Ok(None) };
        let is_last = answer.len() < 2 * most;
        let mut parts = Parts::of(answer);
        while !parts.is_empty() && found.len() < which.most {
            behind = parts.text()?;
            let id = behind.parse().map_err(|_| corrupt("the id of a line is not a number"))?;
            let line = read_line(id, &parts.text()?)?;
            if which.resource.as_ref().is_none_or(|resource| *resource == line.event.resource) {
                found.push(line);
            }
        }
        if is_last {
            break;
        }
    }
    Ok(Some(found))
}

pub(super) async fn history(
    store: &Redis,
    subject: Option<&Subject>,
    resource: &Resource,
    aggregate: Aggregate,
    cuts: &[Timestamp],
) -> Result<Vec<Amount>, StoreError> {
    let (per, account) =
        subject.map_or((Per::Server, EVERYONE), |subject| (Per::Subject, subject.as_str()));
    let mut tries = Tries::default();
    'anew: loop {
        let view = View::now(store).await?;
        let mut all = Vec::new();
        for (start, end) in cuts.iter().zip(cuts.iter().skip(1)) {
            let stretch = Bucket::range(*start, *end);
            let mut used = Amount::ZERO;
            let walk = Walk { resource, per, account: Some(account), bucket: &stretch };
            let done = walk.each(store, &view, |told| {
                used = told.count(&stretch, aggregate, None).used;
            });
            if done.await?.is_none() {
                tries.again().await?;
                continue 'anew;
            }
            all.push(used);
        }
        return Ok(all);
    }
}

pub(super) async fn balances(store: &Redis) -> Result<Vec<Balance>, StoreError> {
    let mut tries = Tries::default();
    loop {
        let view = View::now(store).await?;
        match all_balances(store, &view).await? {
            Some(balances) => return Ok(balances),
            None => tries.again().await?,
        }
    }
}

async fn all_balances(store: &Redis, view: &View) -> Result<Option<Vec<Balance>>, StoreError> {
    // One that was told of twice is one.
    let mut found = BTreeMap::<(Resource, Per, String), Count>::new();
    for resource in resources(store).await? {
        for per in Per::ALL {
            let mut cursor = "0".to_owned();
            loop {
                let arguments = [&view.epoch, per.name(), resource.as_str(), &cursor];
                let answer: Option<Vec<String>> =
                    store.connection.run(&BALANCES, &arguments).await?;
                let Some(answer) = answer else { return Ok(None) };
                let mut parts = Parts::of(answer);
                cursor = parts.text()?;
                while !parts.is_empty() {
                    let (account, balance) = (parts.text()?, read_balance(&parts.text()?)?);
                    let whose = (resource.clone(), per, account);
                    found.insert(whose, balance.unwrap_or_default());
                }
                if cursor == "0" {
                    break;
                }
            }
        }
    }
    let balance = |((resource, per, account), count): (_, Count)| Balance {
        resource,
        per,
        account,
        used: count.used,
        newest: count.newest,
    };
    Ok(Some(found.into_iter().map(balance).collect()))
}

/// Returns of what there are lines or balances, and maybe others.
pub(super) async fn resources(store: &Redis) -> Result<Vec<Resource>, StoreError> {
    let names: Vec<String> = store.connection.run(&RESOURCES, &[]).await?;
    let read =
        |name: &String| name.parse().map_err(|_| corrupt(format!("\"{name}\" is not a resource")));
    names.iter().map(read).collect()
}
