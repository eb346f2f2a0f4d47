//! HTTP messages as plain data: what every layer above speaks of, whatever version carried it.
//!
//! Field order, spelling and repetition are kept (FWD-64), so these are not `http::HeaderMap`s. Names and
//! values are slices of the buffer in which the head arrived: a parsed head is one allocation for the
//! text and one for the list.

mod body;
mod fields;
mod grammar;
mod head;

pub use body::BodySize;
pub use fields::{Field, Fields};
pub(crate) use grammar::{decimal, final_status, is_field_text, is_token};
pub use head::{RequestHead, Response, ResponseHead, Version};
