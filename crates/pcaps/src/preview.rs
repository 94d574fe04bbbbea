//! Requests as they would be sent.

use pcaps_api::{ClientInfo as _, Secret, types};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Account, BucketId, CaptureId, Destination, Error, Request,
    operation::{Operation, REGISTER, REMOVE, START, STOP, VALIDATE},
    redact,
};

/// Something that changes what is at the service: what [`Account::preview`] shows the request of.
///
/// ```
/// use pcaps::{Change, Destination};
///
/// fn steps<'a>(bucket: &'a Destination, challenge: &'a pcaps::Secret) -> [Change<'a>; 2] {
///     [Change::RegisterBucket(bucket), Change::ValidateBucket(bucket, challenge)]
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change<'a> {
    /// [`Account::start`].
    Start(&'a Request),
    /// [`Account::stop`].
    Stop(&'a CaptureId),
    /// [`Account::register_bucket`].
    RegisterBucket(&'a Destination),
    /// [`Account::validate_bucket`], with the challenge.
    ValidateBucket(&'a Destination, &'a Secret),
    /// [`Account::remove_bucket`].
    RemoveBucket(&'a BucketId),
}

/// A request as it would be sent, without secrets: what [`Account::preview`] gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Preview {
    /// The HTTP method.
    pub method: &'static str,
    /// The URL.
    pub url: String,
    /// The body, with `REDACTED` in place of keys and challenges; absent where there is none.
    pub body: Option<Value>,
}

impl Account {
    /// The request by which something would be changed, checked as it would be before it is sent. Nothing is sent.
    ///
    /// ```
    /// use std::time::Duration;
    /// use pcaps::{Change, Sample};
    ///
    /// let account = pcaps::Client::builder().token("t").build()?.account("0123".parse()?);
    /// let request = Sample::new(Duration::from_secs(60), 100)?.into();
    /// let preview = account.preview(&Change::Start(&request))?;
    /// assert_eq!(preview.method, "POST");
    /// assert!(preview.url.ends_with("/accounts/0123/pcaps"));
    /// assert_eq!(preview.body.unwrap_or_default()["packet_limit"], 100);
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) where the operation itself would not send what is given.
    pub fn preview(&self, change: &Change<'_>) -> Result<Preview, Error> {
        match change {
            Change::Start(request) => self.request(&START, None, Some(&request.to_api())),
            Change::Stop(id) => self.request(&STOP, Some(id.identifier()?), None::<&()>),
            Change::RegisterBucket(bucket) => {
                self.request(&REGISTER, None, Some(&registration(bucket)?))
            }
            Change::ValidateBucket(bucket, challenge) => {
                let mut body = validation(bucket, challenge)?;
                body.ownership_challenge = redact::MASK.into();
                self.request(&VALIDATE, None, Some(&body))
            }
            Change::RemoveBucket(id) => self.request(&REMOVE, Some(id.identifier()?), None::<&()>),
        }
    }

    fn request(
        &self,
        operation: &Operation,
        id: Option<types::Identifier>,
        body: Option<&impl Serialize>,
    ) -> Result<Preview, Error> {
        let mut path = operation
            .path
            .replace("{account_id}", &self.id().identifier()?);
        if let Some(id) = id {
            for name in ["{pcap_id}", "{ownership_id}"] {
                path = path.replace(name, &id);
            }
        }
        let body = body.map(serde_json::to_value).transpose();
        let mut body = body.map_err(|error| {
            Error::invalid("the request cannot be written as JSON").because(error)
        })?;
        if let Some(body) = &mut body {
            redact::json(body);
        }
        Ok(Preview {
            method: operation.method,
            url: format!("{}{path}", self.shared.api.baseurl()),
            body,
        })
    }
}

/// The body that registers a bucket.
pub(crate) fn registration(bucket: &Destination) -> Result<types::RegisterBucketRequest, Error> {
    bucket.check_registrable()?;
    Ok(types::RegisterBucketRequest {
        destination_conf: bucket.with_keys(),
    })
}

/// The body that proves a bucket.
pub(crate) fn validation(
    bucket: &Destination,
    challenge: &Secret,
) -> Result<types::ValidateBucketRequest, Error> {
    let challenge = challenge.expose().trim();
    if challenge.is_empty() {
        return Err(Error::invalid(
            "the challenge is empty: give the content of the challenge file in the bucket",
        ));
    }
    Ok(types::ValidateBucketRequest {
        destination_conf: bucket.without_keys().into(),
        ownership_challenge: challenge.into(),
    })
}
