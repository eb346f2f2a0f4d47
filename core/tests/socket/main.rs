//! Sockets as scripts: what happens, and what must be done then.

mod control;
mod native;
mod numbers;
mod passages;
mod publish;
mod rig;
mod sessions;
mod woh_close;
mod woh_fail;
mod woh_open;
mod woh_talk;
