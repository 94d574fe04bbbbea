//! `--dry-run`: what would be sent, and is not.

use pcaps::{Change, Destination, Preview};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::{args::Global, failure::Failure, output, resume::Resume, runtime, session::Session};

/// Its name among the schemas.
pub(super) const NAME: &str = "dry-run";

/// What programs are told.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document {
    /// What would be sent, in this order. Requests that change nothing are left out.
    requests: Vec<Request>,
}

#[derive(Serialize, JsonSchema)]
struct Request {
    /// The HTTP method.
    method: &'static str,
    /// The URL; of files in a bucket, as a pattern.
    url: String,
    /// The body, with `REDACTED` in place of secrets; null where there is none.
    body: Option<Value>,
}

/// Prints the requests of some changes, and of the deletion of files in a bucket.
pub(super) fn show(
    global: &Global,
    changes: &[Change<'_>],
    deletes: Option<String>,
) -> Result<(), Failure> {
    let mut requests = runtime::interruptible(&Resume::default(), async {
        let account = Session::open(global).await?.account;
        let previews = changes.iter().map(|it| account.preview(it));
        let requests = previews.map(|it| it.map(Request::from));
        Ok(requests.collect::<Result<Vec<_>, _>>()?)
    })?;
    requests.extend(deletes.map(|url| Request {
        method: "DELETE",
        url,
        body: None,
    }));
    let text = requests.iter().map(Request::text).collect::<Vec<_>>();
    output::result(global, || Document { requests }, || text.join("\n"))?;
    output::hint(global, "note: nothing was sent");
    Ok(())
}

/// The files of a capture in a bucket, if it is known which.
pub(super) fn files(bucket: Option<&Destination>, id: &str) -> String {
    let bucket = bucket.map_or("BUCKET".to_owned(), ToString::to_string);
    let place = bucket.split('?').next().unwrap_or_default();
    format!("{}/*{id}*.pcap", place.trim_end_matches('/'))
}

impl From<Preview> for Request {
    fn from(preview: Preview) -> Self {
        Self {
            method: preview.method,
            url: preview.url,
            body: preview.body,
        }
    }
}

impl Request {
    fn text(&self) -> String {
        let body = self.body.as_ref().map(|it| format!("{it:#}\n"));
        format!("{} {}\n{}", self.method, self.url, body.unwrap_or_default())
    }
}
