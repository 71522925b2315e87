//! Denied: what a user is answered whose quota is spent, with all figures.

use http::StatusCode;
use http::header::RETRY_AFTER;
use serde_json::json;

use super::action::{Action, Kind};
use super::settings::{Errcode, Refusal};
use crate::clock::whole_seconds;
use crate::engine::{Decision, Figures, Reason};
use crate::matrix::{ErrCode, MatrixError};
use crate::quota::{Amount, Measure, Per, Period, Unit, Zone};

/// Returns the answer to a user who wants to do this.
pub(super) fn denied(action: &Action, decision: &Decision, style: &Refusal) -> MatrixError {
    match (decision.reason, &decision.binding, decision.max_size) {
        (Reason::TooLarge, _, Some(max)) => too_large(max),
        (_, Some(figures), _) => over_limit(action, figures, decision.retry_after, style),
        (_, None, _) => {
            let text = match action.kind() {
                Kind::Upload => "Uploads are not allowed.",
                Kind::Download => "Downloads are not allowed.",
                Kind::Other => "This is not allowed.",
            };
            MatrixError::new(StatusCode::FORBIDDEN, ErrCode::Forbidden, text)
        }
    }
}

fn too_large(max: Amount) -> MatrixError {
    let text = format!("File too large: at most {} each.", Measure::BYTES.human(max));
    MatrixError::new(StatusCode::PAYLOAD_TOO_LARGE, ErrCode::TooLarge, text)
}

fn over_limit(
    action: &Action,
    figures: &Figures,
    retry_after: Option<u64>,
    style: &Refusal,
) -> MatrixError {
    let longest = whole_seconds(style.retry_after_max);
    let wait = retry_after.unwrap_or(longest).min(longest);
    let (status, code) = match style.errcode {
        Errcode::LimitExceeded => (StatusCode::TOO_MANY_REQUESTS, ErrCode::LimitExceeded),
        Errcode::UserLimitExceeded => (StatusCode::FORBIDDEN, ErrCode::UserLimitExceeded),
        Errcode::Forbidden => (StatusCode::FORBIDDEN, ErrCode::Forbidden),
    };
    let mut error = MatrixError::new(status, code, sentence(action, figures));
    if status == StatusCode::TOO_MANY_REQUESTS {
        let wait_ms = wait.saturating_mul(1000);
        error = error.with("retry_after_ms", wait_ms).with_header(RETRY_AFTER, wait);
    }
    if let Some(uri) = &style.info_uri {
        error = error.with("info_uri", uri.clone());
    }
    let window = &figures.window;
    let quota = json!({
        "capability": action.capability(),
        "resource": figures.resource,
        "limit": window.limit,
        "used": window.used,
        "reserved": window.reserved,
        "requested": figures.requested,
        "remaining": window.remaining,
        "period": window.period,
        "resets_at": window.resets_at,
    });
    error.with("org.metergate.quota", quota)
}

/// Tells a person what is spent, by whom, what is asked for, and when there is room again.
fn sentence(action: &Action, figures: &Figures) -> String {
    let (window, resource) = (&figures.window, &figures.resource);
    let measure = &figures.measure;
    let human = |amount| measure.human(amount);
    let limit = window.limit.map_or_else(|| "unlimited".to_owned(), human);
    let used = human(window.used);
    let when = window.period.when();
    let (needs, what) = match measure.unit {
        // Nobody has named a size.
        Unit::Bytes if figures.requested <= Amount::ONE => (String::new(), String::new()),
        Unit::Bytes => {
            let this = if action.kind() == Kind::Upload { "file" } else { "request" };
            (format!(", this {this} needs {}", human(figures.requested)), String::new())
        }
        Unit::Count => (String::new(), format!(" {resource}")),
        // It is said with every number.
        Unit::Label(_) => (String::new(), String::new()),
    };
    let limit_of = match action.kind() {
        Kind::Upload => "Upload limit",
        Kind::Download => "Download limit",
        Kind::Other => "Limit",
    };
    let consolation = if action.leaves_text() { " Text messages still work." } else { "" };
    let whose = match window.per {
        Per::Subject => "",
        Per::Group => " shared with others",
        Per::Server => " of the whole server",
    };
    let resets = window.resets_at.map(|moment| match window.period {
        // It does not start anew: what was used falls out of it bit by bit.
        Period::Rolling(_) => format!(" The first of it is free again {}.", Zone::UTC.tell(moment)),
        _ => format!(" Resets {}.", Zone::UTC.tell(moment)),
    });
    format!(
        "{limit_of}{whose} reached: {used} of {limit}{what} used {when}{needs}.{}{consolation}",
        resets.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::WindowDecision;
    use crate::quota::strictness::Mode;

    fn figures(period: &str, per: Per, resets_at: &str) -> Figures {
        let window = WindowDecision {
            period: period.parse().unwrap(),
            bucket: String::new(),
            per,
            mode: Mode::Hard,
            limit: Some(Amount::new(500)),
            used: Amount::new(498),
            reserved: Amount::ZERO,
            remaining: Some(Amount::new(2)),
            resets_at: resets_at.parse().ok(),
            over: false,
            would_deny: true,
            ceiling: None,
            grace_ends: None,
        };
        let resource = "media_bytes".parse().unwrap();
        Figures { resource, requested: Amount::new(12), measure: Measure::BYTES, window }
    }

    #[test]
    fn a_person_is_told_whose_limit_it_is_and_when_there_is_room() {
        for (period, per, resets_at, expected) in [
            (
                "month",
                Per::Subject,
                "2026-12-01",
                "Upload limit reached: 498 B of 500 B used this month, this file needs 12 B. Resets 1 December 2026 00:00 UTC. Text messages still work.",
            ),
            (
                "rolling 30d",
                Per::Group,
                "2026-12-01",
                "Upload limit shared with others reached: 498 B of 500 B used in the last 30 days, this file needs 12 B. The first of it is free again 1 December 2026 00:00 UTC. Text messages still work.",
            ),
            (
                "rolling 30d",
                Per::Server,
                "",
                "Upload limit of the whole server reached: 498 B of 500 B used in the last 30 days, this file needs 12 B. Text messages still work.",
            ),
        ] {
            assert_eq!(sentence(&Action::upload(true), &figures(period, per, resets_at)), expected);
        }
    }

    #[test]
    fn a_label_is_said_with_every_number() {
        let mut told = figures("never", Per::Subject, "");
        told.measure = Measure { unit: "points".parse().unwrap(), decimals: 1, ..Measure::COUNT };
        let expected =
            "Upload limit reached: 49.8 points of 50 points used in all. Text messages still work.";
        assert_eq!(sentence(&Action::upload(true), &told), expected);
    }

    #[test]
    fn what_is_no_upload_is_told_in_its_own_words() {
        let mut told = figures("month", Per::Subject, "2026-12-01");
        told.requested = Amount::ONE;
        let expected = "Download limit reached: 498 B of 500 B used this month. Resets 1 December 2026 00:00 UTC. Text messages still work.";
        assert_eq!(sentence(&Action::named("get", true, true), &told), expected);
        let expected = expected.trim_end_matches(" Text messages still work.");
        assert_eq!(sentence(&Action::named("get", true, false), &told), expected);
        told.requested = Amount::new(12);
        let expected = "Limit reached: 498 B of 500 B used this month, this request needs 12 B. Resets 1 December 2026 00:00 UTC.";
        assert_eq!(sentence(&Action::named("send", false, true), &told), expected);
        (told.measure, told.resource) = (Measure::COUNT, "messages".parse().unwrap());
        let expected =
            "Limit reached: 498 of 500 messages used this month. Resets 1 December 2026 00:00 UTC.";
        assert_eq!(sentence(&Action::named("send", false, true), &told), expected);
    }
}
