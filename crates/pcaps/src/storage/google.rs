//! Buckets on Google Cloud Storage.

use std::sync::Arc;

use object_store::{
    ObjectStore,
    gcp::{GoogleCloudStorageBuilder, GoogleConfigKey},
};

use super::{
    Traced,
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

    let mut builder = GoogleCloudStorageBuilder::new()
        .with_client_options(options())
        .with_http_connector(Traced);
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
         `gcloud auth application-default login` has made for a user"
    } else {
        "make credentials of a user with `gcloud auth application-default login`, or name a service account's key in \
         GOOGLE_APPLICATION_CREDENTIALS: no other kind is understood here"
    };
    let unusable = |_| unusable(destination, advice);
    let asking = builder.clone().with_retry(credentials::retry());
    let asked = Arc::clone(asking.build().map_err(unusable)?.credentials());
    let builder = builder
        .with_retry(retry())
        .with_credentials(Arc::new(Asked(asked)));
    Ok(Arc::new(builder.build().map_err(unusable)?))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::ErrorKind;

    #[test]
    fn what_names_credentials_must_be_such_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key.json");
        let content = r#"{"private_key": "hunter2", "private_key_id": "hunter2", "client_email": "a@b", "disable_oauth": true}"#;
        fs::write(&key, content).unwrap();
        let odd = folder.path().join("odd.json");
        fs::write(&odd, r#"{"type": "external_account", "token": "hunter2"}"#).unwrap();
        let destination: Destination = "gs://captures/edge".parse().unwrap();
        let opened = |variable: &str, path: &std::path::Path| {
            let variables = [(variable, path.to_str().unwrap())];
            store(
                &destination,
                &Environment::made_of(&variables, folder.path()),
            )
        };
        opened("GOOGLE_SERVICE_ACCOUNT", &key).unwrap();
        for path in [odd, folder.path().join("hunter2")] {
            let error = opened("GOOGLE_APPLICATION_CREDENTIALS", &path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            let text = format!("{error} {error:?}");
            assert!(text.contains("GOOGLE_"), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
