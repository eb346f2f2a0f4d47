//! L3, what a held request consists of: what it waits for, and what it makes of an item. Who is subscribed
//! to what, and how more is got from the backend, is not the business of this room.

mod response;
mod session;
mod timer;
mod waiting;

pub use response::{Offer, ResponseHold};
pub use session::{Ask, Carried, Judged, Session, Standing, Track};
pub use timer::Timer;
pub use waiting::Waiting;
