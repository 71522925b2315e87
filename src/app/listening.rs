//! Listening: sockets for addresses, in as many shares as there are cores.

use super::AppError;
use crate::config::Settings;
use crate::net::{Address, Listener};

/// The sockets of one process.
#[derive(Debug)]
pub(super) struct Doors {
    pub(super) admin: Vec<Listener>,
    /// Those of the proxy, if there is one, for every core.
    pub(super) shares: Option<Vec<Vec<Listener>>>,
}

impl Doors {
    /// Opens them. To be done first: sockets are passed in the environment, which is changed by
    /// taking them, and no thread may look there meanwhile.
    pub(super) fn open(settings: &Settings) -> Result<Self, AppError> {
        let admin = listen(&settings.admin.listen, 1)?;
        let shares = settings.proxy.as_ref().map(|proxy| shares(&proxy.listen)).transpose()?;
        Ok(Self { admin, shares })
    }
}

/// Listens at every address, a share of each for every core.
fn shares(addresses: &[Address]) -> Result<Vec<Vec<Listener>>, AppError> {
    let lanes = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut shares: Vec<Vec<Listener>> = (0..lanes).map(|_| Vec::new()).collect();
    for address in addresses {
        let listeners = Listener::bind_for(address, lanes)
            .map_err(|source| AppError::Listen { address: address.clone(), source })?;
        for (share, listeners) in shares.iter_mut().zip(listeners) {
            share.extend(listeners);
        }
    }
    Ok(shares)
}

/// Listens at an address, in so many shares.
fn listen(address: &Address, shares: usize) -> Result<Vec<Listener>, AppError> {
    Listener::bind(address, shares)
        .map_err(|source| AppError::Listen { address: address.clone(), source })
}
