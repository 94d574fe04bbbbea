//! Buckets on Amazon S3, on what speaks like it, and on R2.

use std::sync::Arc;

use object_store::{
    ObjectStore,
    aws::{AmazonS3Builder, AmazonS3ConfigKey as Setting},
};
use url::Url;

use super::{
    Traced,
    credentials::{self, Asked},
    environment::Environment,
    options,
    profile::{Keys, Profile},
    retry, unusable,
};
use crate::{Destination, Error, ErrorKind};

/// Where R2 is: each account has a name below, and each jurisdiction of it another.
const R2: &str = "r2.cloudflarestorage.com";

/// The bucket that a destination names, on S3 or R2.
pub(super) fn store(
    destination: &Destination,
    environment: &Environment,
) -> Result<Arc<dyn ObjectStore>, Error> {
    let builder = match destination.url().scheme() {
        "r2" => r2(destination, environment)?,
        _ => s3(destination, environment)?,
    };
    let builder = builder.with_bucket_name(destination.bucket());
    // Of an answer about several keys, their errors could not be told apart.
    let builder = builder.with_disable_bulk_delete(true);
    let unusable = |_| {
        unusable(
            destination,
            "check the AWS_ variables: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are needed both, or neither",
        )
    };
    let mut builder = builder;
    if builder.get_config_value(&Setting::AccessKeyId).is_none() {
        let asking = builder.clone().with_retry(credentials::retry());
        let asking = asking.build().map_err(unusable)?;
        builder = builder.with_credentials(Arc::new(Asked(Arc::clone(asking.credentials()))));
    }
    let builder = builder.with_retry(retry());
    Ok(Arc::new(builder.build().map_err(unusable)?))
}

fn s3(destination: &Destination, environment: &Environment) -> Result<AmazonS3Builder, Error> {
    let region = destination.parameter("region").unwrap_or_default();
    // It becomes a part of a server's name.
    let is_of_region = |it: u8| it.is_ascii_alphanumeric() || it == b'-';
    if region.is_empty() || !region.bytes().all(is_of_region) {
        return Err(Error::invalid(format!(
            "the bucket {destination} has no region of letters, digits and hyphens: add ?region=<region>"
        )));
    }
    let has_keys = environment.get("AWS_ACCESS_KEY_ID").is_some();
    let profile = match Profile::find(environment) {
        // What is wrong with the files does not matter to who needs none.
        Err(_) if has_keys && environment.get("AWS_PROFILE").is_none() => Profile::default(),
        found => found?,
    };
    let builder = chain(destination, environment, &profile)?.with_region(region);
    Ok(match endpoint(environment, &profile) {
        Some(endpoint) => at(builder, endpoint),
        None => builder,
    })
}

fn r2(destination: &Destination, environment: &Environment) -> Result<AmazonS3Builder, Error> {
    let account = destination.parameter("account-id").unwrap_or_default();
    // It becomes a part of a server's name.
    if account.is_empty() || !account.bytes().all(|it| it.is_ascii_alphanumeric()) {
        return Err(Error::invalid(format!(
            "the bucket {destination} has no account id of letters and digits: add ?account-id=<id>"
        )));
    }
    let given = Keys::of(
        destination.parameter("access-key-id"),
        destination.parameter("secret-access-key"),
    );
    let variable = |name| environment.get(name).map(str::to_owned);
    let own = Keys::of(
        variable("R2_ACCESS_KEY_ID"),
        variable("R2_SECRET_ACCESS_KEY"),
    );
    // What is wrong with a profile does not matter to who needs none.
    let profile = Profile::find(environment);
    let endpoint = match &profile {
        Ok(profile) => endpoint(environment, profile),
        Err(_) => endpoint(environment, &Profile::default()),
    };
    let endpoint = endpoint.filter(|it| is_of_account(it, &account));
    let builder = match (given.or(own), &endpoint) {
        (Some(keys), _) => with_keys(new(), keys),
        // The credentials for S3 are meant for this account on R2.
        (None, Some(_)) => chain(destination, environment, &profile?)?,
        (None, None) => {
            let what = format!("there are no keys for the bucket {destination}");
            return Err(Error::new(ErrorKind::Authentication, what).advise(
                "set R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY, or give the keys in its URI; those of AWS open \
                 nothing on R2",
            ));
        }
    };
    let endpoint = endpoint.unwrap_or_else(|| format!("https://{account}.{R2}"));
    Ok(at(builder.with_region("auto"), endpoint))
}

fn new() -> AmazonS3Builder {
    AmazonS3Builder::new()
        .with_client_options(options())
        .with_http_connector(Traced)
}

/// The settings of S3 in the environment, with the first credentials that there are.
fn chain(
    destination: &Destination,
    environment: &Environment,
    profile: &Profile,
) -> Result<AmazonS3Builder, Error> {
    let mut builder = new();
    for (name, value) in environment.of("AWS_") {
        // A token is of the keys beside it, and of no others.
        let is_left = |it| it == Setting::Token && environment.get("AWS_ACCESS_KEY_ID").is_none();
        if let Ok(setting) = name.parse::<Setting>()
            && !is_left(setting)
        {
            builder = builder.with_config(setting, value);
        }
    }
    let has = |setting: Setting| builder.get_config_value(&setting).is_some();
    if has(Setting::AccessKeyId) || has(Setting::SecretAccessKey) || is_anonymous(environment) {
        return Ok(builder);
    }
    // By one of a pair alone nothing can be had.
    let has_identity = has(Setting::WebIdentityTokenFile) && has(Setting::RoleArn)
        || has(Setting::ContainerCredentialsRelativeUri)
        || has(Setting::ContainerCredentialsFullUri)
            && has(Setting::ContainerAuthorizationTokenFile);
    if let Some(keys) = &profile.keys {
        return Ok(with_keys(builder, keys.clone()));
    }
    if let Some((file, role)) = &profile.web_identity {
        return Ok(builder
            .with_config(Setting::WebIdentityTokenFile, file)
            .with_config(Setting::RoleArn, role));
    }
    if has_identity {
        return Ok(builder);
    }
    if let Some(way) = profile.other_way {
        return Err(Error::invalid(format!(
            "the profile {} gets its credentials by `{way}`, which is not understood here",
            profile.name
        ))
        .advise("export them first: eval \"$(aws configure export-credentials --format env)\""));
    }
    let disabled = environment.get("AWS_EC2_METADATA_DISABLED");
    if disabled.is_some_and(|it| it.eq_ignore_ascii_case("true")) {
        let what = format!("there are no credentials for the bucket {destination}");
        return Err(Error::new(ErrorKind::Authentication, what).advise(CREDENTIALS));
    }
    Ok(builder)
}

/// What to do when there are no credentials.
const CREDENTIALS: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of \
                                      ~/.aws/credentials in AWS_PROFILE";

/// Whether requests are not to be signed at all.
fn is_anonymous(environment: &Environment) -> bool {
    let given = environment.get("AWS_SKIP_SIGNATURE");
    given.is_some_and(|it| matches!(it.to_ascii_lowercase().as_str(), "1" | "true"))
}

fn with_keys(builder: AmazonS3Builder, keys: Keys) -> AmazonS3Builder {
    let builder = builder
        .with_access_key_id(keys.id)
        .with_secret_access_key(keys.secret);
    match keys.token {
        Some(token) => builder.with_token(token),
        None => builder,
    }
}

/// The server that stands in for S3, if there is one.
fn endpoint(environment: &Environment, profile: &Profile) -> Option<String> {
    ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]
        .into_iter()
        .find_map(|it| environment.get(it))
        .or(profile.endpoint.as_deref())
        .map(|it| it.trim_end_matches('/').to_owned())
}

fn at(builder: AmazonS3Builder, endpoint: String) -> AmazonS3Builder {
    builder
        .with_allow_http(endpoint.starts_with("http:"))
        // Of the two settings this one goes first.
        .with_config(Setting::S3Endpoint, endpoint)
}

/// Whether an endpoint is an account's on R2, whatever its jurisdiction.
fn is_of_account(endpoint: &str, account: &str) -> bool {
    let Ok(url) = Url::parse(endpoint) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default();
    let below = host.strip_suffix(R2).and_then(|it| it.strip_suffix('.'));
    let name = below.and_then(|it| it.split('.').next());
    url.scheme() == "https" && name.is_some_and(|it| it.eq_ignore_ascii_case(account))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const S3: &str = "s3://b/d?region=eu-west-1";
    const R2_URI: &str = "r2://b/d?account-id=1f2e";

    /// What requests would be signed with, and where they would go: key id, token, endpoint, region.
    type Opened = (String, Option<String>, Option<String>, String);

    fn opened(
        uri: &str,
        variables: &[(&str, &str)],
        files: &[(&str, &str)],
    ) -> Result<Opened, Error> {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".aws")).unwrap();
        for (name, content) in files {
            fs::write(home.path().join(".aws").join(name), content).unwrap();
        }
        let environment = Environment::made_of(variables, home.path());
        let destination: Destination = uri.parse().unwrap();
        // It can be built, too.
        store(&destination, &environment)?;
        let builder = match destination.url().scheme() {
            "r2" => r2(&destination, &environment)?,
            _ => s3(&destination, &environment)?,
        };
        let value = |setting| builder.get_config_value(&setting);
        Ok((
            value(Setting::AccessKeyId).unwrap_or_default(),
            value(Setting::Token),
            value(Setting::S3Endpoint),
            value(Setting::Region).unwrap_or_default(),
        ))
    }

    fn refused(
        uri: &str,
        variables: &[(&str, &str)],
        files: &[(&str, &str)],
    ) -> (ErrorKind, String) {
        let error = opened(uri, variables, files).unwrap_err();
        (error.kind(), format!("{error} {error:?}"))
    }

    const ENV: [(&str, &str); 2] = [
        ("AWS_ACCESS_KEY_ID", "ENV"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
    ];
    const FILE: (&str, &str) = (
        "credentials",
        "[default]\naws_access_key_id = FILE\naws_secret_access_key = hunter2\n",
    );

    #[test]
    fn keys_of_the_environment_go_before_those_of_a_file() {
        let found = |variables: &[_]| opened(S3, variables, &[FILE]).unwrap().0;
        assert_eq!(found(&ENV), "ENV");
        assert_eq!(found(&[("AWS_ACCESS_KEY_ID", "")]), "FILE");
        let (kind, text) = refused(S3, &ENV[1..], &[]);
        assert_eq!(kind, ErrorKind::InvalidInput);
        assert!(
            text.contains("both, or neither") && !text.contains("hunter2"),
            "{text}"
        );
    }

    #[test]
    fn the_region_is_the_uris_and_the_endpoint_the_environments() {
        let region = ("AWS_REGION", "us-east-1");
        let both = [
            ENV[0],
            ENV[1],
            region,
            ("AWS_ENDPOINT_URL", "https://one.example"),
            ("AWS_ENDPOINT_URL_S3", "http://two.example:9000/"),
        ];
        let (_, _, endpoint, region) = opened(S3, &both, &[]).unwrap();
        assert_eq!(endpoint.as_deref(), Some("http://two.example:9000"));
        assert_eq!(region, "eu-west-1");
        let (_, _, endpoint, _) = opened(S3, &both[..4], &[]).unwrap();
        assert_eq!(endpoint.as_deref(), Some("https://one.example"));
    }

    #[test]
    fn on_r2_the_uris_keys_go_first_and_aws_keys_are_left_alone() {
        let own = [
            ("R2_ACCESS_KEY_ID", "OWN"),
            ("R2_SECRET_ACCESS_KEY", "hunter2"),
        ];
        let token = ("AWS_SESSION_TOKEN", "hunter2");
        let elsewhere = ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000");
        let all = [ENV[0], ENV[1], token, elsewhere, own[0], own[1]];
        let with_keys = format!("{R2_URI}&access-key-id=URI&secret-access-key=hunter2");
        let is_at = Some("https://1f2e.r2.cloudflarestorage.com".to_owned());
        let auto = "auto".to_owned();
        assert_eq!(
            opened(&with_keys, &all, &[FILE]).unwrap(),
            ("URI".to_owned(), None, is_at.clone(), auto.clone())
        );
        assert_eq!(
            opened(R2_URI, &all, &[FILE]).unwrap(),
            ("OWN".to_owned(), None, is_at, auto)
        );
        let (kind, text) = refused(R2_URI, &all[..4], &[FILE]);
        assert_eq!(kind, ErrorKind::Authentication);
        assert!(
            text.contains("R2_ACCESS_KEY_ID") && !text.contains("hunter2"),
            "{text}"
        );
    }

    #[test]
    fn on_r2_aws_keys_count_when_their_endpoint_is_the_accounts() {
        for (endpoint, is) in [
            ("https://1f2e.r2.cloudflarestorage.com", true),
            ("https://1f2e.eu.r2.cloudflarestorage.com/", true),
            ("https://other.r2.cloudflarestorage.com", false),
            ("http://1f2e.r2.cloudflarestorage.com", false),
            ("https://1f2e.r2.cloudflarestorage.com.example", false),
            ("https://1f2exr2.cloudflarestorage.com", false),
        ] {
            let variables = [ENV[0], ENV[1], ("AWS_ENDPOINT_URL_S3", endpoint)];
            let found = opened(R2_URI, &variables, &[]).map(|it| (it.0, it.2));
            let wanted = is.then(|| {
                let endpoint = endpoint.trim_end_matches('/').to_owned();
                ("ENV".to_owned(), Some(endpoint))
            });
            assert_eq!(found.ok(), wanted, "{endpoint}");
        }
    }

    #[test]
    fn a_region_is_no_way_to_another_server() {
        for odd in ["evil.example/", "a.b", "a%2Fb", "a@b"] {
            let uri = format!("s3://b/d?region={odd}");
            assert_eq!(refused(&uri, &ENV, &[]).0, ErrorKind::InvalidInput, "{uri}");
        }
    }

    #[test]
    fn a_token_without_its_keys_goes_with_no_others() {
        let token = ("AWS_SESSION_TOKEN", "hunter2");
        let (id, found, ..) = opened(S3, &[token], &[FILE]).unwrap();
        assert_eq!((id.as_str(), found), ("FILE", None));
        let (id, found, ..) = opened(S3, &[ENV[0], ENV[1], token], &[FILE]).unwrap();
        assert_eq!((id.as_str(), found.as_deref()), ("ENV", Some("hunter2")));
    }

    #[test]
    fn files_that_cannot_be_read_do_not_matter_to_who_has_keys() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let destination: Destination = S3.parse().unwrap();
        let no_home = Environment::made_of(&ENV, file.path());
        store(&destination, &no_home).unwrap();
        let odd = [("credentials", "[default\n")];
        assert_eq!(opened(S3, &ENV, &odd).unwrap().0, "ENV");
        assert_eq!(refused(S3, &[], &odd).0, ErrorKind::InvalidInput);
    }

    /// Of these, one alone gives nothing: what is found next counts.
    #[test]
    fn an_identity_is_two_settings() {
        let none = ("AWS_EC2_METADATA_DISABLED", "true");
        for half in [
            (
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "http://localhost:1338/",
            ),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/run/token"),
        ] {
            assert_eq!(refused(S3, &[half, none], &[]).0, ErrorKind::Authentication);
        }
    }

    #[test]
    fn an_account_id_is_no_way_to_another_server() {
        for odd in [
            "",
            "?account-id=",
            "?account-id=evil.example/",
            "?account-id=a.b",
        ] {
            let uri = format!("r2://b/d{odd}");
            let own = [("R2_ACCESS_KEY_ID", "OWN"), ("R2_SECRET_ACCESS_KEY", "k")];
            assert_eq!(refused(&uri, &own, &[]).0, ErrorKind::InvalidInput, "{uri}");
        }
    }

    #[test]
    fn what_a_profile_cannot_give_is_told_how_to_be_had() {
        let files = [("config", "[profile work]\nsso_session = corp\n")];
        let work = ("AWS_PROFILE", "work");
        let (kind, text) = refused(S3, &[work], &files);
        assert_eq!(kind, ErrorKind::InvalidInput);
        assert!(
            text.contains("export-credentials") && text.contains("work"),
            "{text}"
        );
        assert_eq!(
            opened(S3, &[work, ENV[0], ENV[1]], &files).unwrap().0,
            "ENV"
        );
        let disabled = ("AWS_EC2_METADATA_DISABLED", "true");
        assert_eq!(refused(S3, &[disabled], &[]).0, ErrorKind::Authentication);
        assert_eq!(
            opened(S3, &[], &[]).unwrap().0,
            "",
            "the machine's are asked for"
        );
    }
}
