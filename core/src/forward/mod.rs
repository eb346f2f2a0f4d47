//! What a proxy changes in the messages that pass through it.
//!
//! Everything here is a function of a head and the configuration; bodies and their framing are not
//! touched.

mod cors;
mod hop;
mod jsonp;
mod request;
mod response;
mod rewrite;
mod url;
mod xff;

pub use cors::CrossOrigin;
pub use jsonp::{Jsonp, JsonpAnswer, JsonpBody, JsonpError, JsonpRequest, read_jsonp};
pub use request::{LinkHosts, Policy, client_address, is_trusted, loops};
pub use response::{clean_response, proxy_error};
pub use rewrite::{Rewrite, rewrite_request};
pub use url::{RequestUrl, UrlError};
pub use xff::{XffRule, XffRuleError};
