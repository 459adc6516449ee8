//! The client against a server of this process that does as a test says.

mod answers;
mod calls;
mod peer;
mod secrets;
mod tls;
mod turns;
mod watches;
