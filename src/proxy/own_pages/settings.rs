//! What the page is told: its words, and how long somebody may be idle on it.

use std::time::Duration;

/// The page that tells users about their quota, `/_metergate/quota`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Whether there is one. Default yes.
    pub enabled: bool,
    /// What it is called. Default "Uploads on this server".
    pub title: String,
    /// Whether it tells everyone the limits of who is in no group by name. Default yes.
    pub limits: bool,
    /// What else it says, each a paragraph. Default nothing.
    pub paragraphs: Vec<String>,
    /// Whom to ask. Default nobody.
    pub contact: Option<String>,
    /// Where they are found: an `http`, `https`, `mailto` or `matrix` address. Default nowhere.
    pub contact_uri: Option<String>,
    /// After how long without a touch it signs out. At least 1 s; default 5 minutes.
    pub idle: Duration,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            enabled: true,
            title: "Uploads on this server".to_owned(),
            limits: true,
            paragraphs: Vec::new(),
            contact: None,
            contact_uri: None,
            idle: Duration::from_mins(5),
        }
    }
}
