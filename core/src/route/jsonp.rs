//! The `jsonp_` options of a route (CORS-20).

use http::Method;

/// How a route's clients ask for JSON-P.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JsonpRules {
    /// `jsonp_cb`: the query parameter that names the callback.
    pub callback: String,
    /// `jsonp_body`: the query parameter that has the body, which is then JSON.
    pub body: Option<String>,
    /// `jsonp_defcb`: the callback of requests that have only the body parameter.
    pub default_callback: Option<String>,
    /// `jsonp_mode`.
    pub mode: JsonpMode,
    /// `jsonp_defmethod`: the method of requests that do not name one. `None` leaves it to the mode.
    pub default_method: Option<Method>,
}

/// What a callback is called with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum JsonpMode {
    /// The body, as the origin wrote it.
    Basic,
    /// An object with status, headers and body.
    #[default]
    Extended,
}

impl Default for JsonpRules {
    fn default() -> Self {
        Self {
            callback: "callback".to_owned(),
            body: None,
            default_callback: None,
            mode: JsonpMode::default(),
            default_method: None,
        }
    }
}

impl JsonpRules {
    /// The method of a request that does not name one.
    pub fn method(&self) -> Method {
        let by_mode = || match self.mode {
            JsonpMode::Basic => Method::POST,
            JsonpMode::Extended => Method::GET,
        };
        self.default_method.clone().unwrap_or_else(by_mode)
    }
}
