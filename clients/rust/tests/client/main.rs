//! The client against a server of this process that does as a test says.

mod calls;
mod peer;
mod secrets;
mod tls;
mod turns;
mod watches;
