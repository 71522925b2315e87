//! Listening: sockets for addresses, in as many shares as there are cores.

use super::AppError;
use crate::net::{Address, Listener};

/// Listens at every address, a share of each for every core.
pub(super) fn shares(addresses: &[Address]) -> Result<Vec<Vec<Listener>>, AppError> {
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
pub(super) fn listen(address: &Address, shares: usize) -> Result<Vec<Listener>, AppError> {
    Listener::bind(address, shares)
        .map_err(|source| AppError::Listen { address: address.clone(), source })
}
