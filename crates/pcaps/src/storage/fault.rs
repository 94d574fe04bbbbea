//! What a store's error means, in words that quote nothing of its answer: an answer may repeat a key's id, a signature,
//! or the name of something that is nobody's business.

use std::{borrow::Cow, error::Error as StdError};

use object_store::{
    Error as Store,
    client::{HttpError, HttpErrorKind},
};
use reqwest::StatusCode;

use super::credentials::NoCredentials;
use crate::{Error, ErrorKind};

/// What was asked of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    List,
    Read,
    #[cfg(feature = "export")]
    Write,
    Delete,
}

impl Access {
    /// What the credentials lack when it is refused, and what grants it.
    fn permission(self) -> (&'static str, &'static str) {
        match self {
            Self::List => (
                "may not list it",
                "give them the permission to list it (s3:ListBucket on S3, storage.objects.list on GCS, object read on \
                 R2)",
            ),
            Self::Read => (
                "may not read what is in it",
                "give them the permission to read it (s3:GetObject on S3, storage.objects.get on GCS, object read on \
                 R2); a file that is not there is refused, too, where s3:ListBucket has a condition on s3:prefix",
            ),
            #[cfg(feature = "export")]
            Self::Write => (
                "may not write to it",
                "give them the permission to write (s3:PutObject on S3, storage.objects.create and \
                 storage.objects.delete on GCS, object write on R2)",
            ),
            Self::Delete => (
                "may not delete what is in it",
                "give them the permission to delete (s3:DeleteObject on S3, storage.objects.delete on GCS, object \
                 write on R2)",
            ),
        }
    }
}

/// The facts in an error.
#[derive(Debug, Default)]
pub(super) struct Fault {
    status: Option<StatusCode>,
    /// The store's own word for it, `AccessDenied` for example.
    code: String,
    /// Where the bucket is, if the store says so.
    region: Option<String>,
    /// The request was sent to another place than the bucket's.
    elsewhere: bool,
    transport: Option<HttpErrorKind>,
    no_credentials: bool,
}

impl Fault {
    pub(super) fn of(error: &Store) -> Self {
        let mut fault = Self::default();
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(it) = next {
            fault.no_credentials |= it.is::<NoCredentials>();
            if let Some(http) = it.downcast_ref::<HttpError>() {
                fault.transport = Some(http.kind());
            }
            fault.read(&it.to_string());
            next = it.source();
        }
        fault
    }

    /// Whether a server, or the way to it, has made it. What a folder or memory says has no secrets.
    pub(super) fn is_remote(&self) -> bool {
        self.status.is_some() || self.elsewhere || self.transport.is_some() || self.no_credentials
    }

    /// Whether it is the bucket that is not there.
    pub(super) fn is_no_bucket(&self) -> bool {
        self.code == "NoSuchBucket"
    }

    /// Takes the facts out of the one error of the chain that holds nothing else. Its type cannot be named; how its
    /// text begins is looked at by tests, with a server's real answers.
    fn read(&mut self, text: &str) {
        if text.starts_with("Received redirect without LOCATION") {
            self.elsewhere = true;
        }
        let Some(rest) = text.strip_prefix("Server returned non-2xx status code: ") else {
            return;
        };
        let status = rest.get(..3).and_then(|it| it.parse().ok());
        self.status = status.and_then(|it| StatusCode::from_u16(it).ok());
        self.elsewhere |= self.status.is_some_and(|it| it.is_redirection());
        self.code = element(rest, "Code").unwrap_or_default();
        self.region = element(rest, "Region");
    }

    /// The store's answer as it is told below the error's own words.
    pub(super) fn sketch(&self) -> String {
        match (self.status, self.code.as_str(), self.transport) {
            (Some(status), "", _) => format!("the store answered {status}"),
            (Some(status), code, _) => format!("the store answered {status} ({code})"),
            (None, _, Some(HttpErrorKind::Connect)) => "there was no connection".to_owned(),
            (None, _, Some(HttpErrorKind::Timeout)) => "no answer came in time".to_owned(),
            (None, _, Some(_)) => "the connection broke, or what came is no answer".to_owned(),
            (None, ..) if self.elsewhere => "the store answered with a redirect".to_owned(),
            (None, ..) => "no credentials came".to_owned(),
        }
    }

    /// What it means for who asked for this at a place.
    pub(super) fn judge(&self, error: &Store, access: Access, place: &str) -> Verdict {
        use ErrorKind::{
            Authentication, Connection, NotFound, Permission, Service, Timeout, UnexpectedResponse,
        };
        let verdict = |kind, what: String, advice: &str| Verdict {
            kind,
            what,
            advice: advice.to_owned().into(),
        };
        if self.no_credentials {
            let what = format!("there are no credentials for {place}");
            return verdict(Authentication, what, CREDENTIALS);
        }
        if let Some(verdict) = self.by_code(access, place) {
            return verdict;
        }
        if self.elsewhere {
            return self.in_another_region(place);
        }
        match (self.status.map(|it| it.as_u16()), self.transport, error) {
            (Some(401), ..) | (None, None, Store::Unauthenticated { .. }) => verdict(
                Authentication,
                format!("{place} does not accept the credentials"),
                CREDENTIALS,
            ),
            (Some(403), ..) | (None, None, Store::PermissionDenied { .. }) => {
                let (lack, advice) = access.permission();
                verdict(
                    Permission,
                    format!("the credentials of {place} {lack}"),
                    advice,
                )
            }
            (Some(404), ..) if access == Access::List => no_bucket(place),
            (Some(404), ..) | (None, None, Store::NotFound { .. }) => verdict(
                NotFound,
                format!("it is not in {place}"),
                "check that there is such a bucket, and its region or account",
            ),
            (Some(429), ..) => slow_down(place),
            (Some(500..), ..) => {
                verdict(Service, format!("{place} fails"), "try again in a moment")
            }
            (_, Some(HttpErrorKind::Timeout), _) => {
                verdict(Timeout, format!("{place} does not answer"), WAY)
            }
            (None, Some(HttpErrorKind::Connect), _) | (None, None, Store::Generic { .. }) => {
                verdict(Connection, format!("{place} cannot be reached"), WAY)
            }
            (None, Some(_), _) => {
                verdict(Connection, format!("the connection to {place} broke"), WAY)
            }
            _ => verdict(
                UnexpectedResponse,
                format!("{place} refuses it"),
                "check the bucket, and how it may be used",
            ),
        }
    }

    /// What S3, R2 and GCS have a word for.
    fn by_code(&self, access: Access, place: &str) -> Option<Verdict> {
        let (kind, what, advice) = match self.code.as_str() {
            "NoSuchBucket" => return Some(no_bucket(place)),
            // The second is what others answer in its place.
            "InvalidAccessKeyId" | "NotSignedUp" => (
                ErrorKind::Authentication,
                format!("{place} does not know the access key's id"),
                "check that the key is of the right account, and has not been deleted",
            ),
            "SignatureDoesNotMatch" => (
                ErrorKind::Authentication,
                format!("{place} does not accept the signature"),
                "check the secret access key: it does not fit the access key's id",
            ),
            "ExpiredToken" | "TokenRefreshRequired" | "InvalidToken" => (
                ErrorKind::Authentication,
                format!("{place} does not accept the session token"),
                "get new credentials: these have expired, or the token is of another key",
            ),
            "RequestTimeTooSkewed" | "RequestExpired" => (
                ErrorKind::Authentication,
                format!("{place} says that this machine's clock is wrong"),
                "set this machine's clock: a signature is good for some minutes before and after",
            ),
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException" => return Some(self.in_another_region(place)),
            "SlowDown" | "RequestLimitExceeded" | "TooManyRequests" => {
                return Some(slow_down(place));
            }
            "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => {
                let (lack, advice) = access.permission();
                (
                    ErrorKind::Permission,
                    format!("the credentials of {place} {lack}"),
                    advice,
                )
            }
            _ => return None,
        };
        Some(Verdict {
            kind,
            what,
            advice: advice.into(),
        })
    }

    fn in_another_region(&self, place: &str) -> Verdict {
        let advice = match &self.region {
            Some(region) => format!("it is in {region}: write ?region={region}").into(),
            None => "write the bucket's own region in its URI, and check the endpoint".into(),
        };
        Verdict {
            kind: ErrorKind::NotFound,
            what: format!("{place} is in another region"),
            advice,
        }
    }

    pub(super) fn status(&self) -> Option<StatusCode> {
        self.status
    }
}

const CREDENTIALS: &str = "check the credentials of the bucket, and where they come from";
const WAY: &str = "check the bucket and the way to it";

fn no_bucket(place: &str) -> Verdict {
    Verdict {
        kind: ErrorKind::NotFound,
        what: format!("there is no bucket {place}"),
        advice: "make it, or check its name, and its region or account".into(),
    }
}

fn slow_down(place: &str) -> Verdict {
    Verdict {
        kind: ErrorKind::RateLimited,
        what: format!("{place} wants fewer requests"),
        advice: "try again in a moment; a collection also with fewer transfers at once".into(),
    }
}

/// What to say.
pub(super) struct Verdict {
    kind: ErrorKind,
    what: String,
    advice: Cow<'static, str>,
}

impl Verdict {
    pub(super) fn into_error(self, doing: &str) -> Error {
        Error::new(self.kind, format!("cannot {doing}: {}", self.what)).advise(self.advice)
    }
}

/// The text of an XML element, if it is a word: anything else is no code and no region.
fn element(text: &str, name: &str) -> Option<String> {
    const LONGEST: usize = 64;
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (word, _) = rest.split_once('<')?;
    let is_word = !word.is_empty()
        && word.len() <= LONGEST
        && word
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'-');
    is_word.then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(text: &str) -> Store {
        Store::Generic {
            store: "S3",
            source: text.to_owned().into(),
        }
    }

    fn judged(status: &str, body: &str, access: Access) -> (ErrorKind, String) {
        let text = format!("Server returned non-2xx status code: {status}: {body}");
        let error = answered(&text);
        let fault = Fault::of(&error);
        let verdict = fault.judge(&error, access, "s3://b");
        let error = verdict.into_error("list it").because(fault.sketch());
        (error.kind(), format!("{error} {error:?}"))
    }

    /// Status, code, what the error is to be, and what it is to say.
    const ANSWERS: [(&str, &str, ErrorKind, &str); 14] = [
        (
            "404 Not Found",
            "NoSuchBucket",
            ErrorKind::NotFound,
            "no bucket",
        ),
        ("404 Not Found", "", ErrorKind::NotFound, "no bucket"),
        (
            "403 Forbidden",
            "InvalidAccessKeyId",
            ErrorKind::Authentication,
            "key's id",
        ),
        (
            "403 Forbidden",
            "SignatureDoesNotMatch",
            ErrorKind::Authentication,
            "secret access key",
        ),
        (
            "400 Bad Request",
            "ExpiredToken",
            ErrorKind::Authentication,
            "expired",
        ),
        (
            "403 Forbidden",
            "RequestTimeTooSkewed",
            ErrorKind::Authentication,
            "clock",
        ),
        (
            "403 Forbidden",
            "AccessDenied",
            ErrorKind::Permission,
            "may not list",
        ),
        ("403 Forbidden", "", ErrorKind::Permission, "s3:ListBucket"),
        (
            "401 Unauthorized",
            "",
            ErrorKind::Authentication,
            "credentials",
        ),
        (
            "400 Bad Request",
            "AuthorizationHeaderMalformed",
            ErrorKind::NotFound,
            "?region=eu-west-1",
        ),
        (
            "307 Temporary Redirect",
            "",
            ErrorKind::NotFound,
            "another region",
        ),
        (
            "503 Service Unavailable",
            "SlowDown",
            ErrorKind::RateLimited,
            "fewer",
        ),
        ("502 Bad Gateway", "", ErrorKind::Service, "moment"),
        (
            "400 Bad Request",
            "hunter2 hunter2",
            ErrorKind::UnexpectedResponse,
            "refuses",
        ),
    ];

    #[test]
    fn each_answer_has_its_words() {
        for (status, code, kind, says) in ANSWERS {
            let code = match code {
                "" => String::new(),
                code => format!("<Code>{code}</Code><Region>eu-west-1</Region>"),
            };
            let body = format!("<Error>{code}<AWSAccessKeyId>hunter2</AWSAccessKeyId></Error>");
            let (told, text) = judged(status, &body, Access::List);
            assert_eq!(told, kind, "{status} {body}");
            assert!(text.contains(says), "{status} {body}: {text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn the_permission_that_is_missing_is_named() {
        for (access, lack) in [
            (Access::List, "s3:ListBucket"),
            (Access::Read, "s3:GetObject"),
            #[cfg(feature = "export")]
            (Access::Write, "s3:PutObject"),
            (Access::Delete, "s3:DeleteObject"),
        ] {
            let (_, text) = judged("403 Forbidden", "<Code>AccessDenied</Code>", access);
            assert!(text.contains(lack), "{text}");
        }
    }

    #[test]
    fn a_redirect_to_nowhere_is_another_region() {
        let error = answered("Received redirect without LOCATION, this normally indicates…");
        let fault = Fault::of(&error);
        assert!(fault.is_remote());
        let error = fault
            .judge(&error, Access::Read, "s3://b")
            .into_error("read it");
        assert!(error.to_string().contains("another region"), "{error}");
    }
}
