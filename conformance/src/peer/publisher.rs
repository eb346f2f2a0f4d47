//! The suite's publisher: speaks to the proxy's HTTP control interface.

use std::time::Duration;

use super::{
    client::{Answer, Client},
    message::Request,
};
use crate::case::{Outcome, Trouble, wrong};

/// Where items are published.
#[derive(Clone, Debug)]
pub(crate) struct Publisher {
    /// Host and port.
    pub(crate) address: String,
    /// What stands before `/publish` in the path; mostly nothing.
    base: String,
}

impl Publisher {
    /// Reads an `http://host:port/base` address.
    pub(crate) fn new(url: &str) -> Result<Self, String> {
        let Some(rest) = url.strip_prefix("http://") else {
            return Err(format!("{url}: only http:// addresses can be used for publishing"));
        };
        let (address, base) = rest.split_once('/').unwrap_or((rest, ""));
        let base = match base.trim_end_matches('/') {
            "" => String::new(),
            base => format!("/{base}"),
        };
        Ok(Self { address: address.to_owned(), base })
    }

    /// The address, as it was given.
    pub(crate) fn url(&self) -> String {
        format!("http://{}{}", self.address, self.base)
    }

    /// A request to the control interface.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, &format!("{}{path}", self.base), &self.address)
    }

    /// A new connection to the control interface.
    pub(crate) async fn connect(&self, patience: Duration) -> Outcome<Client> {
        Client::connect(&self.address, patience).await.map_err(|trouble| match trouble {
            Trouble::Wrong(why) => Trouble::Wrong(format!("{}: {why}", self.address)),
            skip @ Trouble::Skip(_) => skip,
        })
    }

    /// Sends a request on a connection of its own.
    pub(crate) async fn ask(&self, request: Request, patience: Duration) -> Outcome<Answer> {
        let mut client = self.connect(patience).await?;
        client.send(&request).await?;
        client.answer().await
    }

    /// Publishes items; they have to be accepted.
    pub(crate) async fn publish(&self, items: serde_json::Value, patience: Duration) -> Outcome {
        let body = serde_json::json!({ "items": items }).to_string();
        let answer = self.ask(self.request("POST", "/publish").body(body), patience).await?;
        match answer.status(200) {
            Ok(_) => Ok(()),
            Err(_) => wrong(format_args!("publishing: {} {:?}", answer.head, answer.text())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Publisher;

    #[test]
    fn addresses_are_taken_apart() {
        let publisher = Publisher::new("http://127.0.0.1:5561/base/").expect("address");
        assert_eq!(publisher.address, "127.0.0.1:5561");
        let sent = publisher.request("POST", "/publish").bytes();
        assert!(sent.starts_with(b"POST /base/publish HTTP/1.1\r\n"));
        assert!(Publisher::new("ftp://x").is_err());
    }
}
