//! The page: filled with this server's words and limits, kept for a moment.

use std::collections::BTreeMap;
use std::time::Duration;

use askama::Template;
use http::Response;
use http::request::Parts;
use moka::future::Cache;

use super::files::File;
use super::settings::Page;
use super::words::Line;
use crate::engine::Engine;
use crate::net::Body;
use crate::proxy::Proxy;
use crate::proxy::action::Kind;
use crate::proxy::rejection::Rejection;
use crate::quota::Measure;
use crate::telemetry::cause;

const PAGE: &str = "/_metergate/quota";
/// How long it tells what the policy said, so that strangers do not keep the store busy.
const KEPT: Duration = Duration::from_secs(5);

/// The page and what it is made of.
#[derive(Debug)]
pub(in crate::proxy) struct Pages {
    settings: Page,
    /// By path; none if there is no page.
    files: BTreeMap<&'static str, File>,
    page: Cache<(), File>,
}

#[derive(Template)]
#[template(path = "page.html", config = "src/proxy/own_pages/askama.toml")]
struct Filled<'a> {
    settings: &'a Page,
    idle_seconds: u64,
    /// The limits of everyone; none if they are not told.
    limits: Option<Vec<Line>>,
    /// Whether messages, and downloads, cost nothing.
    text_is_free: bool,
    downloads_are_free: bool,
}

impl Pages {
    pub(in crate::proxy) fn of(settings: &Page) -> Self {
        let files = if settings.enabled { File::all().collect() } else { BTreeMap::new() };
        let page = Cache::builder().max_capacity(1).time_to_live(KEPT).build();
        Self { settings: settings.clone(), files, page }
    }

    /// Returns true if something is there.
    pub(super) fn has(&self, path: &str) -> bool {
        self.settings.enabled && (path == PAGE || self.files.contains_key(path))
    }

    /// Answers a request for something that is there.
    pub(super) async fn answer(
        &self,
        proxy: &Proxy,
        request: &Parts,
    ) -> Result<Response<Body>, Rejection> {
        if let Some(file) = self.files.get(request.uri.path()) {
            return Ok(file.answer(request));
        }
        let fill = self.fill(proxy);
        let page = self.page.try_get_with((), fill).await.map_err(|error| {
            tracing::error!(error = cause(error.as_ref()), "page cannot be filled");
            Rejection::StoreOut(Kind::Upload)
        })?;
        Ok(page.answer(request))
    }

    async fn fill(&self, proxy: &Proxy) -> Result<File, askama::Error> {
        let limits = if self.settings.limits { common_limits(proxy.engine()).await } else { None };
        let meters = &proxy.0.shared.meters;
        let filled = Filled {
            settings: &self.settings,
            idle_seconds: self.settings.idle.as_secs(),
            limits,
            text_is_free: meters.leave_text(),
            downloads_are_free: meters.are_none(),
        };
        let page = filled.render()?;
        Ok(File::new("text/html; charset=utf-8", page))
    }
}

/// Returns what everyone may who is in no group by name, as far as that is known.
async fn common_limits(engine: &Engine) -> Option<Vec<Line>> {
    let terms = engine.common_terms().await.ok()?;
    let largest = terms.largest.map(|largest| Line {
        amount: Measure::BYTES.human(largest),
        rest: "in one file".to_owned(),
    });
    Some(terms.limits.iter().map(Line::of).chain(largest).collect())
}
