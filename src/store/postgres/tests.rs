//! What only a server does.
