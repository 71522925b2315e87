//! The `quotas` of matrix-media-repo: the first glob that matches says how much, once and for all.
//!
//! <https://github.com/t2bot/matrix-media-repo/blob/main/config.sample.yaml>. What numbers mean is
//! taken from what it does (`pipelines/_steps/quota/check.go`): bytes below zero are unlimited and
//! at zero everything is denied, whatever its sample says; files at or below zero are unlimited.

use super::Foreign;
use crate::engine::EngineError;
use crate::engine::transfer::changes::amount;
use crate::engine::transfer::draft::Draft;
use crate::engine::transfer::place::{Place, Table};
use crate::engine::transfer::tree::Tree;
use crate::quota::capability::UPLOAD;
use crate::quota::{Amount, Measure, Pattern, Policy, Resource};

/// Its name in the configuration.
pub(super) const BLOCK: &str = "quotas";

/// What files are counted as.
const FILES: &str = "uploads";

/// What one glob gives.
struct Quota {
    pattern: Pattern,
    bytes: i64,
    files: i64,
}

pub(super) fn read(pointer: &str, quotas: &Tree, policy: &Policy) -> Result<Foreign, EngineError> {
    let place = Place::new(pointer, quotas);
    let table = place.table(&["enabled", "users"])?;
    match table.get("enabled").map(|it| (it, it.tree)) {
        Some((_, Tree::Boolean(true))) => {}
        Some((it, Tree::Boolean(false))) => {
            return Err(it.wrong("is false, so that nothing is limited: write true to import them"));
        }
        Some((it, _)) => return Err(it.needs("true or false")),
        None => return Err(place.wrong("has no enabled: write enabled: true to import them")),
    }
    let users = table.needed("users")?;
    let Tree::List(_) = users.tree else { return Err(users.needs("a list of globs")) };
    let mut words = Vec::new();
    let mut all: Vec<Quota> = Vec::new();
    for place in users.items() {
        let quota = quota(&place, &mut words)?;
        if all.iter().any(|other| other.pattern == quota.pattern) {
            words.push(format!("the second entry for {} never counts", quota.pattern));
        } else {
            all.push(quota);
        }
    }
    if all.is_empty() {
        return Err(users.wrong("is empty: there is nothing to import"));
    }
    words.insert(0, "quotas of matrix-media-repo, the first that matches counts:".to_owned());
    Ok(Foreign { draft: draft(&all, policy, &mut words), words })
}

fn quota(place: &Place<'_>, words: &mut Vec<String>) -> Result<Quota, EngineError> {
    let table = place.table(&["glob", "maxBytes", "maxFiles", "maxPending"])?;
    let pattern: Pattern = table.needed("glob")?.parsed()?;
    let Some(bytes) = number(&table, "maxBytes")? else {
        return Err(place.wrong("has no maxBytes: write it, -1 for unlimited"));
    };
    if bytes == 0 {
        words.push(format!(
            "maxBytes 0 of {pattern} lets nothing be uploaded, as matrix-media-repo does although its sample says otherwise: write -1 there for unlimited"
        ));
    }
    if number(&table, "maxPending")?.is_some_and(|most| most > 0) {
        words.push(format!(
            "maxPending of {pattern} stays behind: uploads under way are not limited by number here"
        ));
    }
    Ok(Quota { pattern, bytes, files: number(&table, "maxFiles")?.unwrap_or_default() })
}

fn number(table: &Table<'_>, key: &str) -> Result<Option<i64>, EngineError> {
    table.value(key, |it| match it.tree {
        Tree::Number(number) => Ok(*number),
        _ => Err(it.needs("a whole number")),
    })
}

fn draft(all: &[Quota], policy: &Policy, words: &mut Vec<String>) -> Draft {
    let count_files = all.iter().any(|quota| quota.files > 0);
    let (mut groups, mut rules) = (Vec::new(), Vec::new());
    for (index, Quota { pattern, bytes, files }) in all.iter().enumerate() {
        let name = format!("media-repo-{}", index + 1);
        let limit = |most: i64| match most {
            most if most < 0 => "unlimited".to_owned(),
            most => format!("{most}/never"),
        };
        let mut limits = vec![("media_bytes".to_owned(), Tree::from(limit(*bytes)))];
        let mut said = match bytes {
            bytes if *bytes < 0 => "any number of bytes".to_owned(),
            bytes => format!("{} in all", amount(Amount::new(*bytes), &Measure::BYTES)),
        };
        if count_files {
            let most = if *files > 0 { *files } else { -1 };
            limits.push((FILES.to_owned(), Tree::from(limit(most))));
        }
        if *files > 0 {
            said = format!("{said}, {files} files in all");
        }
        words.push(format!("{pattern} is in group {name}: {said}"));
        let rule = [("group", Tree::from(&*name)), ("match", Tree::from(pattern.as_str()))];
        rules.push(Tree::Table(rule.map(|(key, value)| (key.to_owned(), value)).to_vec()));
        groups.push((name, Tree::Table(limits)));
    }
    let mut entries = vec![("groups", Tree::Table(groups)), ("rules", Tree::List(rules))];
    if count_files {
        words.push(format!("files are counted as {FILES}, which {UPLOAD} now draws on, too"));
        entries.push(("capabilities", drawing_on_files(policy)));
    }
    Draft::of(entries)
}

/// Returns the capability of uploads as it is, and as one that also draws on the number of files.
fn drawing_on_files(policy: &Policy) -> Tree {
    let drawn = policy.capability(UPLOAD).map(|it| it.resources().to_vec()).unwrap_or_default();
    let mut names: Vec<_> = drawn.iter().map(Resource::as_str).collect();
    if !names.contains(&FILES) {
        names.push(FILES);
    }
    let names = names.into_iter().map(Tree::from).collect();
    Tree::Table(vec![(UPLOAD.to_owned(), Tree::List(names))])
}
