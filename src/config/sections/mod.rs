//! The sections of the file, each read into the settings of the module it is for.

mod admin;
mod auth;
mod limit;
mod limits;
mod log;
mod meter;
mod notify;
mod page;
mod policy;
mod reject;
mod resources;
mod server;
mod storage;
mod upstream;

pub(super) use admin::admin;
pub(super) use auth::auth;
pub(super) use limits::limits;
pub(super) use log::log;
pub(super) use meter::meter;
pub(super) use notify::notify;
pub(super) use page::page;
pub(super) use policy::policy;
pub(super) use reject::reject;
pub(super) use server::{Server, server};
pub(super) use storage::{KEEP_EVENTS, STORE_TIMEOUT, Storage, storage};
pub(super) use upstream::{Upstream, upstream};
