//! The configuration file: profiles, in TOML.

use std::{
    collections::BTreeMap,
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

use toml_edit::{Document, Item, TableLike, Value};

use super::{Origin, Setting, place::Place};
use crate::failure::{Exit, Failure};

/// What a profile may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Account,
    BaseUrl,
    Colo,
    Bucket,
}

/// The keys by their names in the file.
const NAMES: [(&str, Key); 4] = [
    ("account", Key::Account),
    ("base_url", Key::BaseUrl),
    ("colo", Key::Colo),
    ("bucket", Key::Bucket),
];

const TOP: &str = "default_profile and tables such as [profile.edge]";

/// More than anybody writes by hand.
const LIMIT: u64 = 1 << 20;

/// The file, as it was read.
pub(crate) struct Config {
    path: PathBuf,
    default_profile: Option<Setting>,
    profiles: BTreeMap<String, BTreeMap<Key, Setting>>,
}

impl Config {
    /// Nothing when there is no file, unless it was named.
    pub(super) fn read(place: &Place) -> Result<Option<Self>, Failure> {
        let path = &place.path;
        let text = match text(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !place.is_named => {
                return Ok(None);
            }
            Err(error) => {
                let by = if place.is_named {
                    ", which PCAPS_CONFIG names"
                } else {
                    ""
                };
                let shown = path.display();
                let message = format!("cannot read the configuration file {shown}{by}: {error}");
                return Err(Failure::new(Exit::Usage, message));
            }
        };
        Self::parse(path, &text).map(Some)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let reader = Reader { path, text };
        let document = Document::parse(text).map_err(|error| {
            // The text is not repeated: somebody may have put a secret there.
            reader.wrong(
                error.span(),
                &format!("this is not TOML: {}", error.message()),
            )
        })?;
        reader.config(document.as_table())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn default_profile(&self) -> Option<Setting> {
        self.default_profile.clone()
    }

    pub(crate) fn has(&self, profile: &str) -> bool {
        self.profiles.contains_key(profile)
    }

    /// The profiles' names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    pub(super) fn value(&self, profile: &str, key: Key) -> Option<Setting> {
        self.profiles.get(profile)?.get(&key).cloned()
    }
}

fn text(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > LIMIT {
        return Err(io::Error::other("it is larger than any such file"));
    }
    fs::read_to_string(path)
}

/// Whether a profile can be called so: its name stands in commands and in the keyring.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !name.is_empty() && name.len() <= 64 && name.chars().all(is_plain) {
        return Ok(());
    }
    Err("a profile's name is of 1 to 64 letters, digits, `-`, `_` and `.`".to_owned())
}

/// Goes through the file, and can say where it is.
struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    fn config(&self, top: &dyn TableLike) -> Result<Config, Failure> {
        let mut config = Config {
            path: self.path.to_owned(),
            default_profile: None,
            profiles: BTreeMap::new(),
        };
        for (name, item) in top.iter() {
            let place = span(top, name, item);
            match name {
                "default_profile" => {
                    config.default_profile = Some(self.setting(name, item, place)?);
                }
                "profile" => config.profiles = self.profiles(item, place)?,
                _ => return Err(self.unknown(place, name, "", TOP)),
            }
        }
        Ok(config)
    }

    fn profiles(
        &self,
        item: &Item,
        place: Option<Range<usize>>,
    ) -> Result<BTreeMap<String, BTreeMap<Key, Setting>>, Failure> {
        let table = self.table(
            item,
            place,
            "profile is a table of profiles: write [profile.edge]",
        )?;
        let mut profiles = BTreeMap::new();
        for (name, item) in table.iter() {
            let place = span(table, name, item);
            check_name(name).map_err(|it| self.wrong(place.clone(), &it))?;
            let what = format!("a profile is a table: write [profile.{name}]");
            let table = self.table(item, place, &what)?;
            profiles.insert(name.to_owned(), self.profile(name, table)?);
        }
        Ok(profiles)
    }

    fn profile(
        &self,
        profile: &str,
        table: &dyn TableLike,
    ) -> Result<BTreeMap<Key, Setting>, Failure> {
        let mut values = BTreeMap::new();
        for (name, item) in table.iter() {
            let place = span(table, name, item);
            let Some((_, key)) = NAMES.iter().find(|(known, _)| *known == name) else {
                let known = NAMES.map(|(name, _)| name).join(", ");
                return Err(self.unknown(
                    place,
                    name,
                    &format!(" in the profile {profile}"),
                    &known,
                ));
            };
            let setting = self.setting(name, item, place.clone())?;
            self.check(*key, &setting, place)?;
            values.insert(*key, setting);
        }
        Ok(values)
    }

    /// What can be seen to be wrong without asking anybody.
    fn check(
        &self,
        key: Key,
        setting: &Setting,
        place: Option<Range<usize>>,
    ) -> Result<(), Failure> {
        match key {
            Key::Account => setting.parse::<pcaps::AccountId>().map(drop),
            Key::Bucket => {
                let bucket: pcaps::Destination = setting.parse()?;
                // What is printed has no keys.
                if bucket.to_string() == setting.value {
                    return Ok(());
                }
                Err(self.wrong(
                    place,
                    "the bucket's URI has keys in it, and others may read this file: leave them out (where they are needed, set R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY, or give --bucket - and the URI on standard input)",
                ))
            }
            Key::BaseUrl | Key::Colo => Ok(()),
        }
    }

    fn table<'t>(
        &self,
        item: &'t Item,
        place: Option<Range<usize>>,
        what: &str,
    ) -> Result<&'t dyn TableLike, Failure> {
        item.as_table_like().ok_or_else(|| self.wrong(place, what))
    }

    fn setting(
        &self,
        name: &str,
        item: &Item,
        place: Option<Range<usize>>,
    ) -> Result<Setting, Failure> {
        let value = item.as_value().and_then(Value::as_str);
        let value = value.filter(|it| !it.trim().is_empty());
        let Some(value) = value else {
            return Err(self.wrong(place, &format!("{name} is a text: write {name} = \"…\"")));
        };
        Ok(Setting {
            value: value.to_owned(),
            origin: Origin::Line(self.place(place)),
        })
    }

    fn unknown(&self, place: Option<Range<usize>>, name: &str, of: &str, known: &str) -> Failure {
        let secret = ["token", "secret", "password", "key", "email"];
        let lower = name.to_lowercase();
        let advice = if secret.iter().any(|it| lower.contains(it)) {
            "secrets are not kept in this file, which others may read: take it out, and run `pcaps auth login`".to_owned()
        } else {
            format!("what can stand there: {known}")
        };
        self.wrong(place, &format!("the key {name}{of} is not known; {advice}"))
    }

    fn wrong(&self, place: Option<Range<usize>>, what: &str) -> Failure {
        Failure::usage(what).at(&Origin::Line(self.place(place)))
    }

    /// File and line.
    fn place(&self, place: Option<Range<usize>>) -> String {
        let path = self.path.display();
        let before = place.and_then(|it| self.text.get(..it.start));
        match before {
            Some(before) => format!("{path}:{}", before.matches('\n').count() + 1),
            None => path.to_string(),
        }
    }
}

/// Where a key stands, or what it has.
fn span(table: &dyn TableLike, name: &str, item: &Item) -> Option<Range<usize>> {
    let key = table.key(name).and_then(toml_edit::Key::span);
    key.or_else(|| item.span())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, Failure> {
        Config::parse(Path::new("config.toml"), text)
    }

    #[test]
    fn a_profile_has_its_values_and_their_lines() {
        let config = parse(
            "default_profile = \"edge\"\n\n[profile.edge]\naccount = \"0123\"\ncolo = 'ORD'\n\
             bucket = \"s3://b/d?region=eu-west-1\"\n[profile.lab]\nbase_url = \"http://localhost:1\"\n",
        );
        let config = config.unwrap_or_else(|it| panic!("{}", it.message()));
        assert_eq!(config.default_profile().unwrap().value, "edge");
        assert_eq!(config.names().collect::<Vec<_>>(), ["edge", "lab"]);
        let account = config.value("edge", Key::Account).unwrap();
        assert_eq!(account.value, "0123");
        assert_eq!(account.origin.to_string(), "config.toml:4");
        assert_eq!(config.value("edge", Key::Colo).unwrap().value, "ORD");
        let url = config.value("lab", Key::BaseUrl).unwrap();
        assert_eq!(url.origin.to_string(), "config.toml:8");
        assert!(config.value("lab", Key::Account).is_none());
        assert!(
            parse("")
                .unwrap_or_else(|_| panic!())
                .names()
                .next()
                .is_none()
        );
    }

    #[test]
    fn what_is_wrong_has_its_line_and_says_what_to_do() {
        for (text, expected) in [
            ("a = \"", "config.toml:1: this is not TOML"),
            (
                "\nprofil = 1",
                "config.toml:2: the key profil is not known; what can stand there: default_profile",
            ),
            (
                "default_profile = 5",
                "config.toml:1: default_profile is a text: write default_profile = \"…\"",
            ),
            (
                "profile = 5",
                "config.toml:1: profile is a table of profiles",
            ),
            (
                "[profile]\nedge = 5",
                "config.toml:2: a profile is a table: write [profile.edge]",
            ),
            (
                "[profile.\"a b\"]",
                "config.toml:1: a profile's name is of 1 to 64 letters",
            ),
            ("[profile.a]\ncolo = \" \"", "config.toml:2: colo is a text"),
            (
                "[profile.a]\n\nacount = \"1\"",
                "config.toml:3: the key acount in the profile a is not known; what can stand there: account, base_url, colo, bucket",
            ),
            ("[profile.a]\naccount = \"../x\"", "config.toml:2: "),
            ("[profile.a]\nbucket = \"https://x\"", "config.toml:2: "),
            (
                "[profile.a]\naccount = \"1\"\naccount = \"2\"",
                "config.toml:3: this is not TOML",
            ),
        ] {
            let failure = parse(text).err().unwrap();
            assert!(
                failure.message().starts_with(expected),
                "{text}: {}",
                failure.message()
            );
            assert_eq!(failure.exit(), Exit::Usage);
        }
    }

    #[test]
    fn secrets_are_refused_and_not_repeated() {
        for text in [
            "[profile.a]\napi_token = \"hunter2\"",
            "token = 'hunter2'",
            "[profile.a]\nsecret-access-key = \"hunter2\"",
            "[profile.a]\nbucket = \"r2://b?account-id=1&access-key-id=hunter2&secret-access-key=hunter2\"",
            "[profile.a]\ntoken = \"hunter2",
            "token = hunter2",
        ] {
            let failure = parse(text).err().unwrap();
            assert!(
                !failure.message().contains("hunter2"),
                "{}",
                failure.message()
            );
            assert!(
                failure.message().starts_with("config.toml:"),
                "{}",
                failure.message()
            );
        }
    }
}
