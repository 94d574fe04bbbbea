//! Buckets on Google Cloud Storage.

use std::sync::Arc;

use object_store::{
    ObjectStore,
    gcp::{GoogleCloudStorageBuilder, GoogleConfigKey},
};

use super::{
    credentials::{self, Asked},
    environment::Environment,
    options, retry, unusable,
};
use crate::{Destination, Error};

/// The bucket that a destination names. Credentials are the application's default ones.
pub(super) fn store(
    destination: &Destination,
    environment: &Environment,
) -> Result<Arc<dyn ObjectStore>, Error> {
    use GoogleConfigKey::{ApplicationCredentials, BearerToken, ServiceAccount, ServiceAccountKey};

    let mut builder = GoogleCloudStorageBuilder::new().with_client_options(options());
    for (name, value) in environment.of("GOOGLE_") {
        if let Ok(setting) = name.parse() {
            builder = builder.with_config(setting, value);
        }
    }
    let builder = builder.with_bucket_name(destination.bucket());
    let named = [
        ApplicationCredentials,
        BearerToken,
        ServiceAccount,
        ServiceAccountKey,
    ];
    let named = named
        .iter()
        .any(|it| builder.get_config_value(it).is_some());
    let advice = if named {
        "check that the GOOGLE_ variables name one file, with the key of a service account or what \
         `gcloud auth application-default login` has made"
    } else {
        "make credentials with `gcloud auth application-default login`, or name a service account's key in \
         GOOGLE_APPLICATION_CREDENTIALS"
    };
    let unusable = |_| unusable(destination, advice);
    let asking = builder.clone().with_retry(credentials::retry());
    let asked = Arc::clone(asking.build().map_err(unusable)?.credentials());
    let builder = builder
        .with_retry(retry())
        .with_credentials(Arc::new(Asked(asked)));
    Ok(Arc::new(builder.build().map_err(unusable)?))
}
