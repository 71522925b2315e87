//! HTTP/2 from clients: the same rules as over HTTP/1.1, and those of its own.

mod charging;
mod early;
mod ending;
mod metering;
mod passing;
mod telling;
