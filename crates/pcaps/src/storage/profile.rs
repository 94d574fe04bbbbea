//! The shared files of AWS's programs: `~/.aws/credentials` and `~/.aws/config`.

use std::{fs, io, path::Path};

use configparser::ini::Ini;

use super::environment::Environment;
use crate::Error;

/// What opens a bucket. It is never shown.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) token: Option<String>,
}

impl Keys {
    /// Keys, if both are there.
    pub(super) fn of(id: Option<String>, secret: Option<String>) -> Option<Self> {
        id.zip(secret).map(|(id, secret)| Self {
            id,
            secret,
            token: None,
        })
    }
}

/// What a profile says, as far as it is understood here.
#[derive(Default)]
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) keys: Option<Keys>,
    /// A file with a token, and the role that is had for it.
    pub(super) web_identity: Option<(String, String)>,
    pub(super) endpoint: Option<String>,
    /// A setting by which it has its credentials in a way that is not understood here.
    pub(super) other_way: Option<&'static str>,
}

/// Settings that say where credentials come from, when not from this very profile.
const OTHER_WAYS: [&str; 5] = [
    "sso_session",
    "sso_start_url",
    "source_profile",
    "credential_source",
    "credential_process",
];

impl Profile {
    /// The profile that the environment names, or else the default one, which need not be there.
    pub(super) fn find(environment: &Environment) -> Result<Self, Error> {
        let credentials = environment.file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
        let config = environment.file("AWS_CONFIG_FILE", ".aws/config");
        let read = |path: Option<std::path::PathBuf>| match path {
            Some(path) => read(&path),
            None => Ok(None),
        };
        Self::of(
            environment.get("AWS_PROFILE"),
            read(credentials)?.as_deref(),
            read(config)?.as_deref(),
        )
    }

    /// A profile in the texts of the two files; what the first says goes before what the second does.
    fn of(
        named: Option<&str>,
        credentials: Option<&str>,
        config: Option<&str>,
    ) -> Result<Self, Error> {
        let name = named.unwrap_or("default");
        let (credentials, config) = (
            parse(credentials, "credentials")?,
            parse(config, "configuration")?,
        );
        let in_config = |section: &str| {
            let section = section.split_whitespace().collect::<Vec<_>>();
            match section[..] {
                [only] => name == "default" && only == name,
                [first, ref rest @ ..] => {
                    first == "profile" && rest.join(" ").trim_matches(['"', '\'']) == name
                }
                [] => false,
            }
        };
        let sections: Vec<_> = credentials
            .iter()
            .filter(|(section, _)| section.as_str() == name)
            .chain(config.iter().filter(|(section, _)| in_config(section)))
            .map(|(_, settings)| settings)
            .collect();
        if sections.is_empty() && named.is_some() {
            return Err(Error::invalid(format!(
                "there is no profile {name} in AWS's credentials and configuration files"
            ))
            .advise("see what AWS_PROFILE says"));
        }
        let get = |setting: &str| {
            let mut found = sections.iter().filter_map(|it| it.get(setting)?.clone());
            found.find(|it| !it.is_empty())
        };
        let keys = Keys::of(get("aws_access_key_id"), get("aws_secret_access_key"));
        Ok(Self {
            name: name.to_owned(),
            keys: keys.map(|keys| Keys {
                token: get("aws_session_token"),
                ..keys
            }),
            web_identity: get("web_identity_token_file").zip(get("role_arn")),
            endpoint: get("endpoint_url"),
            other_way: OTHER_WAYS.into_iter().find(|it| get(it).is_some()),
        })
    }
}

/// A file's text, if it is there.
fn read(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::invalid(format!("cannot read {}", path.display())).because(error)),
    }
}

type Sections =
    std::collections::HashMap<String, std::collections::HashMap<String, Option<String>>>;

/// The sections of a file. What is wrong with it is not told: it may quote a key.
fn parse(text: Option<&str>, file: &str) -> Result<Sections, Error> {
    let mut ini = Ini::new_cs();
    // A key may have any sign in it, and settings nested below another are not the section's own.
    ini.set_inline_comment_symbols(Some(&[]));
    ini.set_multiline(true);
    ini.set_default_section("");
    let parsed = ini.read(text.unwrap_or_default().to_owned());
    parsed.map_err(|_| Error::invalid(format!("AWS's {file} file is not of its form")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIALS: &str = "\
        # those of the house\n\
        [default]\n\
        aws_access_key_id = DEFAULT\n\
        aws_secret_access_key = a/b+c=#;d\n\
        \n\
        [work]\n\
        aws_access_key_id=WORK\n\
        aws_secret_access_key=secret\n\
        aws_session_token=token==\n";

    const CONFIG: &str = "\
        [default]\n\
        region = eu-west-1\n\
        s3 =\n  \
          endpoint_url = http://nested.example\n  \
          max_concurrent_requests = 20\n\
        [profile work]\n\
        endpoint_url = http://127.0.0.1:9000\n\
        aws_access_key_id = LATER\n\
        [profile \"with a blank\"]\n\
        credential_process = /bin/credentials\n\
        [work]\n\
        endpoint_url = http://not.this\n\
        [profile web]\n\
        role_arn = arn:aws:iam::1:role/r\n\
        web_identity_token_file = /run/token\n";

    fn profile(name: Option<&str>) -> Profile {
        Profile::of(name, Some(CREDENTIALS), Some(CONFIG)).unwrap()
    }

    #[test]
    fn keys_are_read_as_they_are() {
        let keys = profile(None).keys.unwrap();
        assert_eq!(
            (keys.id.as_str(), keys.secret.as_str()),
            ("DEFAULT", "a/b+c=#;d")
        );
        assert_eq!(keys.token, None);
        assert_eq!(
            profile(None).endpoint,
            None,
            "nested settings are another's"
        );
        let work = profile(Some("work"));
        let keys = work.keys.unwrap();
        assert_eq!(
            (keys.id.as_str(), keys.token.as_deref()),
            ("WORK", Some("token=="))
        );
        assert_eq!(work.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
    }

    #[test]
    fn other_ways_are_named() {
        let blank = profile(Some("with a blank"));
        assert_eq!(blank.other_way, Some("credential_process"));
        assert!(blank.keys.is_none());
        let web = profile(Some("web")).web_identity.unwrap();
        assert_eq!(
            web,
            ("/run/token".to_owned(), "arn:aws:iam::1:role/r".to_owned())
        );
    }

    #[test]
    fn what_is_not_there_is_nothing_unless_it_was_named() {
        assert!(Profile::of(None, None, None).unwrap().keys.is_none());
        let error = Profile::of(Some("x"), Some(CREDENTIALS), None)
            .err()
            .unwrap();
        assert!(error.to_string().contains("AWS_PROFILE"), "{error}");
    }

    #[test]
    fn a_file_that_is_none_is_not_quoted() {
        let error = Profile::of(None, Some("[default\nhunter2"), None)
            .err()
            .unwrap();
        let text = format!("{error} {error:?}");
        assert!(
            text.contains("credentials file") && !text.contains("hunter2"),
            "{text}"
        );
    }
}
