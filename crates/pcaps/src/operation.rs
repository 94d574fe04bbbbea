//! The nine operations, as far as errors, repetition and traces go.

/// An operation of the service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// Its id in the description.
    pub(crate) id: &'static str,
    /// Its HTTP method.
    pub(crate) method: &'static str,
    /// Its path below the base URL, with names in place of ids.
    pub(crate) path: &'static str,
    /// What it does, to stand after "cannot".
    pub(crate) purpose: &'static str,
    /// When it is sent again.
    pub(crate) repeat: Repeat,
    /// What to say when it may have worked all the same, if a second attempt does more than the first.
    pub(crate) twice: Option<&'static str>,
}

/// When a request that failed is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// When the failure may pass: doing it twice is the same as doing it once.
    Always,
    /// Only when it certainly had no effect.
    IfUnsent,
}

impl Operation {
    /// Whether it needs the permission to write.
    pub(crate) fn writes(&self) -> bool {
        self.method != "GET"
    }
}

macro_rules! operations {
    ($($name:ident: $method:literal $path:literal, $id:literal, $purpose:literal, $repeat:ident, $twice:expr;)*) => {
        $(pub(crate) static $name: Operation = Operation {
            id: $id,
            method: $method,
            path: concat!("/accounts/{account_id}/pcaps", $path),
            purpose: $purpose,
            repeat: Repeat::$repeat,
            twice: $twice,
        };)*
    };
}

operations! {
    START: "POST" "", "start_capture", "start the capture", IfUnsent,
        Some("the capture may have started all the same: look at the list before you try again");
    LIST: "GET" "", "list_captures", "list captures", Always, None;
    GET: "GET" "/{pcap_id}", "get_capture", "get the capture", Always, None;
    DOWNLOAD: "GET" "/{pcap_id}/download", "download_capture", "download the capture", Always, None;
    STOP: "PUT" "/{pcap_id}/stop", "stop_capture", "stop the capture", Always, None;
    REGISTER: "POST" "/ownership", "register_bucket", "register the bucket", IfUnsent,
        Some("the bucket may be registered all the same: look at the list of buckets before you try again");
    BUCKETS: "GET" "/ownership", "list_buckets", "list buckets", Always, None;
    VALIDATE: "POST" "/ownership/validate", "validate_bucket", "validate the bucket", IfUnsent, None;
    REMOVE: "DELETE" "/ownership/{ownership_id}", "remove_bucket", "remove the bucket", Always, None;
}
