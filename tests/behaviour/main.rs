//! What metergate does, seen from outside.

mod cli;
