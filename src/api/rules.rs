//! Rules: who is in which group by name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Desk;
use super::asked::{Body, Named, Query};
use super::groups::{from, made};
use super::lists::{List, Paged};
use super::respond::Problem;
use super::statuses::{Changes, Finds, Reads};
use crate::quota::policy::Rule;
use crate::quota::{Pattern, Policy};

/// One rule.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ToldRule {
    /// Whom: a name in which `*` is any text and `?` any one character.
    #[serde(rename = "match")]
    pattern: Pattern,
    /// The group it puts them into.
    #[schema(example = "bridges")]
    group: String,
    /// What declares it: `file` or `store`.
    #[schema(example = "store")]
    from: &'static str,
}

/// Returns all rules in the order in which they are tried.
pub(super) fn all(policy: &Policy) -> Vec<ToldRule> {
    let from_file = policy.file.rules.len();
    let told = |(place, Rule { pattern, group }): (usize, &Rule)| ToldRule {
        pattern: pattern.clone(),
        group: group.clone(),
        from: from(place < from_file),
    };
    policy.rules().enumerate().map(told).collect()
}

/// The group of a rule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PutRule)]
pub(super) struct Put {
    group: String,
}

/// A rule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PostRule)]
pub(super) struct Post {
    /// Whom.
    #[serde(rename = "match")]
    pattern: Pattern,
    group: String,
}

impl Desk {
    async fn told_rule(&self, pattern: &str) -> Result<Option<ToldRule>, Problem> {
        let all = all(&self.engine.policy().await?);
        Ok(all.into_iter().find(|rule| rule.pattern.as_str() == pattern))
    }

    async fn add_rule(&self, rule: Rule) -> Result<(StatusCode, Json<ToldRule>), Problem> {
        let pattern = rule.pattern.as_str();
        let there = self.told_rule(pattern).await?.is_some();
        self.engine.add_rule(&rule).await?;
        let told = self.told_rule(pattern).await?;
        let gone = || Problem::Conflict("the rule was removed meanwhile".to_owned());
        Ok((made(there), Json(told.ok_or_else(gone)?)))
    }
}

/// List the rules
///
/// In the order in which they are tried: the first that matches counts.
#[utoipa::path(get, path = "/v1/rules", operation_id = "list_rules", tag = "declaring",
    params(Paged),
    responses((status = 200, description = "Rules in order", body = List<ToldRule>), Reads)
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Query(paged): Query<Paged>,
) -> Result<Json<List<ToldRule>>, Problem> {
    let all = all(&desk.engine.policy().await?);
    Ok(Json(List::part("rules", all, &paged, |rule| rule.pattern.as_str())?))
}

/// Add a rule behind the others
///
/// One that is there gets the group.
#[utoipa::path(post, path = "/v1/rules", operation_id = "add_rule", tag = "declaring",
    request_body(content = Post, example = json!({"match": "@*:example.org", "group": "free"})),
    responses(
        (status = 200, description = "It was there", body = ToldRule),
        (status = 201, description = "It is new", body = ToldRule),
        Changes
    )
)]
pub(super) async fn post(
    State(desk): State<Arc<Desk>>,
    Body(Post { pattern, group }): Body<Post>,
) -> Result<(StatusCode, Json<ToldRule>), Problem> {
    desk.add_rule(Rule { pattern, group }).await
}

/// One rule
#[utoipa::path(get, path = "/v1/rules/{name}", operation_id = "get_rule", tag = "declaring",
    params(("name" = String, Path, description = "Whom it is for", example = "@bridge_*:example.org")),
    responses((status = 200, description = "The rule", body = ToldRule), Finds)
)]
pub(super) async fn get(
    State(desk): State<Arc<Desk>>,
    Named(pattern): Named<String>,
) -> Result<Json<ToldRule>, Problem> {
    let told = desk.told_rule(&pattern).await?;
    let unknown = || Problem::NotFound(format!("there is no rule \"{pattern}\""));
    Ok(Json(told.ok_or_else(unknown)?))
}

/// Add a rule behind the others, or change its group
#[utoipa::path(put, path = "/v1/rules/{name}", operation_id = "put_rule", tag = "declaring",
    params(("name" = Pattern, Path, description = "Whom it is for", example = "@bridge_*:example.org")),
    request_body(content = Put, example = json!({"group": "patron"})),
    responses(
        (status = 200, description = "It was there", body = ToldRule),
        (status = 201, description = "It is new", body = ToldRule),
        Changes
    )
)]
pub(super) async fn put(
    State(desk): State<Arc<Desk>>,
    Named(pattern): Named<Pattern>,
    Body(Put { group }): Body<Put>,
) -> Result<(StatusCode, Json<ToldRule>), Problem> {
    desk.add_rule(Rule { pattern, group }).await
}

/// Remove a rule
#[utoipa::path(delete, path = "/v1/rules/{name}", operation_id = "delete_rule", tag = "declaring",
    params(("name" = String, Path, description = "Whom it is for", example = "@bridge_*:example.org")),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub(super) async fn delete(
    State(desk): State<Arc<Desk>>,
    Named(pattern): Named<String>,
) -> Result<StatusCode, Problem> {
    desk.engine.remove_rule(&pattern).await?;
    Ok(StatusCode::NO_CONTENT)
}
