//! What the service accepts. Bodies are checked field by field, so that each answer says which field is
//! wrong and why, and only then decoded.

mod capture;
mod form;

use jiff::Timestamp;
use pcaps_api::{
    Secret,
    types::{
        FullCaptureRequest, RegisterBucketRequest, SimpleCaptureRequest, ValidateBucketRequest,
    },
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    capture::Criteria,
    destination::{Destination, Purpose},
    server::{Failure, code},
};
pub(crate) use capture::order;
use form::{Form, Need};

/// A capture that may be started.
#[derive(Debug)]
pub(crate) enum Order {
    Sample(SampleOrder),
    Full(FullOrder),
}

/// A look at past traffic.
#[derive(Debug)]
pub(crate) struct SampleOrder {
    pub(crate) request: SimpleCaptureRequest,
    pub(crate) criteria: Criteria,
    /// The moment from which it looks back.
    pub(crate) until: Timestamp,
}

/// A watch for new traffic.
#[derive(Debug)]
pub(crate) struct FullOrder {
    pub(crate) request: FullCaptureRequest,
    pub(crate) criteria: Criteria,
    pub(crate) destination: Destination,
}

/// A bucket that may be registered.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) conf: Secret,
    pub(crate) destination: Destination,
}

/// A bucket, and what is to prove that it is the caller's.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) challenge: Secret,
    pub(crate) destination: Destination,
}

/// Checks the body of a registration.
pub(crate) fn registration(fields: Map<String, Value>) -> Result<Registration, Failure> {
    let mut form = Form::new(&fields);
    let destination = destination(&mut form, Purpose::Register);
    let destination = form.finish(destination)?;
    let request: RegisterBucketRequest = decode(fields)?;
    Ok(Registration {
        conf: request.destination_conf,
        destination,
    })
}

/// Checks the body of a proof.
pub(crate) fn proof(fields: Map<String, Value>) -> Result<Proof, Failure> {
    let mut form = Form::new(&fields);
    let destination = destination(&mut form, Purpose::Refer);
    form.text("ownership_challenge", Need::Required);
    let destination = form.finish(destination)?;
    let request: ValidateBucketRequest = decode(fields)?;
    Ok(Proof {
        challenge: request.ownership_challenge,
        destination,
    })
}

fn destination(form: &mut Form<'_>, purpose: Purpose) -> Option<Destination> {
    const NAME: &str = "destination_conf";
    let text = form.text(NAME, Need::Required)?;
    match Destination::parse(text, purpose) {
        Ok(destination) => Some(destination),
        Err(reason) => {
            form.refuse(
                NAME,
                code::VALUE,
                format!("`{NAME}` does not name a bucket: {reason}"),
            );
            None
        }
    }
}

/// Decodes what was checked.
fn decode<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, Failure> {
    // Not the decoder's message: it may quote a secret.
    serde_json::from_value(Value::Object(fields)).map_err(|_| {
        Failure::bad_request(code::BODY, "the body is not of the shape that this takes")
    })
}
