//! The WebSocket wire from outside: any split is the whole, and another implementation agrees.

mod oracle;
mod seen;
mod split;
